find_package(Threads REQUIRED)
lac_test(digest USES digest LINK Threads::Threads)
lac_test(sign USES digest)
