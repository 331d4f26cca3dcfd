lac_test(head SOURCES head_fixture.c USES head LINK m)
lac_test(head_search USES head)
lac_test(head_train USES head LINK m)
lac_test(head_data USES head)
