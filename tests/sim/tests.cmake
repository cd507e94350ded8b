# N nodes, one seed. CI runs a fixed number of seeds; `./dev sim --seeds N` runs more.
add_executable(sim ${CMAKE_CURRENT_LIST_DIR}/sim.cc)
target_link_libraries(sim PRIVATE hz_node)
foreach(first RANGE 1 250 50)
  add_test(NAME sim.${first} COMMAND sim --seed ${first} --seeds 50)
  set_tests_properties(sim.${first} PROPERTIES LABELS sim TIMEOUT 600)
endforeach()
