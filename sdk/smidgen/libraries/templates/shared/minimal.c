/* @{title}: one inference. */
#include <stdio.h>
#include <string.h>

#include "@{name}.h"

@{NAME}_DEFINE_ARENA(arena);

@{entry} {
    unsigned best = 0;
    @{name}_reset(arena);
    /* Your data goes here; @{name}/model.h has the shapes, and turns real numbers into the model's. */
@{inputs}
    @{name}_run(arena);
    for (unsigned i = 1; i < @{NAME}_OUTPUT_0_ELEMENTS; ++i) {
        best = @{name}_output_0(arena)[i] > @{name}_output_0(arena)[best] ? i : best;
    }
    printf("the largest element of output 0 is number %u\n", best);
@{end}}
