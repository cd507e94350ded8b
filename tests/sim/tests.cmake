# N nodes, one seed. CI runs a fixed number of seeds; `./dev sim --seeds N` runs more.
add_executable(sim ${CMAKE_CURRENT_LIST_DIR}/sim.cc)
target_link_libraries(sim PRIVATE hz_node)
if(EXISTS /dev/shm)
  set(scratch TMPDIR=/dev/shm)  # thousands of small databases
endif()
foreach(first RANGE 1 251 50)
  add_test(NAME sim.${first} COMMAND sim --seed ${first} --seeds 50)
  set_tests_properties(sim.${first} PROPERTIES LABELS sim TIMEOUT 900 ENVIRONMENT "${scratch}")
endforeach()
