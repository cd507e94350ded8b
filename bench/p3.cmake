# Figure p3: the official suite on the worker pool, and the same verdicts in one process.
add_executable(bench_p3 ${CMAKE_CURRENT_LIST_DIR}/p3.cc ${PROJECT_SOURCE_DIR}/hosts/oip-host/engines_main.cc
  ${PROJECT_SOURCE_DIR}/hosts/oip-host/engine_ort.cc ${PROJECT_SOURCE_DIR}/hosts/oip-host/ort_library.cc
  ${PROJECT_SOURCE_DIR}/hosts/oip-host/ort_values.cc ${PROJECT_SOURCE_DIR}/hosts/oip-host/engine_refrt.cc)
target_link_libraries(bench_p3 PRIVATE hz_standards hz_host ${CMAKE_DL_LIBS})
if(TARGET hz_refrt)
  target_compile_definitions(bench_p3 PRIVATE HZ_HAVE_REFRT=1)
  target_link_libraries(bench_p3 PRIVATE hz_refrt)
endif()
add_dependencies(bench_p3 oip-host)
