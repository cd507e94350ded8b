# Faults at every system call: tests/fault/inject.sh kills, or fails, the n-th call of each kind, for every n.
foreach(program log_append log_create blob_put member_create)
  add_executable(fault_${program} ${CMAKE_CURRENT_LIST_DIR}/${program}.cc)
  target_link_libraries(fault_${program} PRIVATE hz_log hz_blob hz_pool)
  string(REGEX REPLACE "^log_" "" story ${program})
  set(faults kill eio enospc)
  if(program STREQUAL member_create)
    list(REMOVE_ITEM faults enospc)  # the log's own programs fill the disk; this one is about the steps between them
  endif()
  foreach(fault IN LISTS faults)
    add_test(NAME fault.${story}.${fault}
             COMMAND ${CMAKE_CURRENT_LIST_DIR}/inject.sh $<TARGET_FILE:fault_${program}> ${fault})
    set_tests_properties(fault.${story}.${fault} PROPERTIES LABELS fault SKIP_RETURN_CODE 77 TIMEOUT 300)
  endforeach()
endforeach()
