// What the parts of the neural engine's front tell each other.
package npu_front_types;

  // A load or store, ready to be done
  typedef struct packed {
    logic [31:2] memory_address;
    logic [19:2] buffer_address;
    logic [15:0] bytes;
    logic        target;   // of a load: 0 the activation buffer, 1 the weight buffer
  } move_t;

  // The record of a descriptor that is done
  typedef struct packed {
    logic [31:0] cycles;   // from its start until it is done
    logic [31:0] array;    // in which the array worked
    logic [31:0] waited;   // before its start, for other descriptors
    logic [31:0] starved;  // in which a computation waited for the requantizer, a load or store for the bus
    logic [31:0] port;     // lost to others at the port of a buffer
    logic [15:0] bytes;    // moved
  } record_t;

endpackage
