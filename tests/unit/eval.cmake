lac_test(eval USES eval LINK m)
