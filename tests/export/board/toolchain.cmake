# The board as CMake's users describe theirs. It asks for MACHINE, FLAGS and BOARD (the folder of its library).
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MACHINE FLAGS BOARD)
set(CMAKE_C_FLAGS_INIT "${FLAGS} -Wall -Wextra -Werror -isystem ${CMAKE_CURRENT_LIST_DIR}/include")
set(CMAKE_EXE_LINKER_FLAGS_INIT
    "-nostdlib -Wl,--gc-sections -L${BOARD} -T${CMAKE_CURRENT_LIST_DIR}/board.ld -Wl,-uboard_start")
set(CMAKE_C_STANDARD_LIBRARIES "${BOARD}/libboard.a -lgcc")
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-system-arm -machine ${MACHINE} -nographic -monitor none -serial none
    -semihosting-config enable=on,target=native -kernel)
