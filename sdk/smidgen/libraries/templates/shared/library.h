/* @{title}: the header of this library. What it declares is in @{name}/model.h, which says how to use it. */
#ifndef @{NAME}_LIBRARY_H
#define @{NAME}_LIBRARY_H

#include <limits.h>

#if INT_MAX < 2147483647
#error "@{name} needs a processor whose int has 32 bits or more: AVR has 16"
#endif

#include "@{name}/model.h"

#endif
