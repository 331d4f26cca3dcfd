find_package(Threads REQUIRED)
lac_test(http_server USES http LINK Threads::Threads)
lac_test(http_client USES http LINK Threads::Threads)
