add_test(NAME up.process COMMAND ${CMAKE_CURRENT_LIST_DIR}/up.py $<TARGET_FILE:hezong>)
set_tests_properties(up.process PROPERTIES TIMEOUT 180)
add_test(NAME up.three COMMAND ${CMAKE_CURRENT_LIST_DIR}/three.py $<TARGET_FILE:hezong>)
set_tests_properties(up.three PROPERTIES TIMEOUT 300)
