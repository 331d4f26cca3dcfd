lac_test(batch USES lane)
lac_test(deadletter USES kafka lane metrics)
lac_test(fuse USES base lane)
lac_test(lane_apart USES base kafka lane metrics)
lac_test(lane_commit USES base kafka lane)
lac_test(lane_lag USES kafka lane metrics)
lac_test(output_kafka USES kafka lane)
lac_test(runtime_state USES base conf lane LINK -Wl,--wrap=flock)
# Messages of the simulated consumer are its own: so is what releases them.
lac_test(lane_sim COST 25 USES kafka lane
    SOURCES sim_check.c sim_fiber.c sim_group.c sim_kafka.c sim_pg.c sim_world.c
    LINK -Wl,--wrap=lac_kafka_msg_release)
