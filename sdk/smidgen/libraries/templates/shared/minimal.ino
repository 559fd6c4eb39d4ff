/* @{title}: one inference. */
#include <@{name}.h>

@{NAME}_DEFINE_ARENA(arena);

void setup() {
    unsigned long best = 0;
    Serial.begin(115200);
    while (!Serial) {
    }
    @{name}_reset(arena);
    /* Your data goes here; @{name}/model.h has the shapes, and turns real numbers into the model's. */
@{inputs}
    @{name}_run(arena);
    for (unsigned long i = 1; i < @{NAME}_OUTPUT_0_ELEMENTS; ++i) {
        best = @{name}_output_0(arena)[i] > @{name}_output_0(arena)[best] ? i : best;
    }
    Serial.print("the largest element of output 0 is number ");
    Serial.println(best);
}

void loop() {
}
