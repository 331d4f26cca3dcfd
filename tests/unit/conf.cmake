lac_test(conf SOURCES conf_fixture.c USES conf)
lac_test(conf_files SOURCES conf_fixture.c USES conf)
lac_test(conf_show SOURCES conf_fixture.c USES conf json)
