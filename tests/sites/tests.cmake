# Site adapters: one conformance suite over each of them, with real model servers.
foreach(site local slurm)
  add_executable(sites_${site} ${CMAKE_CURRENT_LIST_DIR}/${site}_test.cc)
  target_link_libraries(sites_${site} PRIVATE unit_main hz_pool hz_standards)
  target_compile_definitions(sites_${site} PRIVATE HZ_SOURCE_DIR="${PROJECT_SOURCE_DIR}" HZ_BINARY_DIR="${CMAKE_BINARY_DIR}")
  add_dependencies(sites_${site} hezong-keeper oip-host)
  add_test(NAME sites.${site} COMMAND sites_${site})
  set_tests_properties(sites.${site} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
endforeach()
