lac_test(head SOURCES head_fixture.c USES head LINK m)
