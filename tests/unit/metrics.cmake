find_package(Threads REQUIRED)
lac_test(metrics USES metrics LINK Threads::Threads)
