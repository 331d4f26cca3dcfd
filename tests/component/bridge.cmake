find_package(Threads REQUIRED)
lac_test(bridge_kafka LABELS component USES bridge LINK Threads::Threads)
