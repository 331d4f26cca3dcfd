lac_test(batch USES lane)
lac_test(deadletter USES kafka lane metrics)
lac_test(fuse USES base lane)
lac_test(lane_apart SOURCES lane_fixture.c USES base kafka lane metrics)
lac_test(lane_commit SOURCES lane_fixture.c USES base kafka lane metrics)
lac_test(lane_group SOURCES lane_fixture.c USES base kafka lane metrics)
lac_test(lane_lag SOURCES lane_fixture.c USES base kafka lane metrics)
lac_test(lane_parts SOURCES lane_fixture.c USES base kafka lane metrics)
lac_test(lane_suspects SOURCES lane_fixture.c USES base kafka lane metrics)
lac_test(output_kafka SOURCES lane_fixture.c USES base kafka lane metrics)
lac_test(runtime_state USES base conf lane LINK -Wl,--wrap=flock)
# Messages of the simulated consumer are its own: so is what releases them.
lac_test(lane_sim COST 25 USES kafka lane
    SOURCES sim_check.c sim_fiber.c sim_group.c sim_kafka.c sim_pg.c sim_world.c
    LINK -Wl,--wrap=lac_kafka_msg_release)
