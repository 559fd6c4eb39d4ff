/* A small flash: what the build writes from a target file. The class is that of uuid5 as imgtool
 * makes it of "smidgen" and "boot-test". */
#define UPDATE_SLOTS                                                                               \
    { 0x400u, 0x1800u }
#define UPDATE_SLOT_BYTES 0x1000u
#define UPDATE_BLOCK_BYTES 256u
#define UPDATE_BOARD_CLASS                                                                         \
    {                                                                                              \
        0x53, 0x4d, 0x49, 0x44, 0x47, 0x45, 0x4e, 0x20, 0x62, 0x6f, 0x6f, 0x74, 0x74, 0x65, 0x73,  \
            0x74                                                                                   \
    }
#define UPDATE_TRIAL_MILLISECONDS 1000u
