/* @{title}: the header of this library. What it declares is in @{name}/model.h, which says how to use it. */
#ifndef @{NAME}_LIBRARY_H
#define @{NAME}_LIBRARY_H

#include "@{name}/model.h"

#endif
