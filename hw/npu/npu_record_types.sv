// What the neural engine's records say of a descriptor that it has done.
package npu_record_types;

  typedef struct packed {
    logic [31:0] cycles;   // from its start until it is done
    logic [31:0] array;    // in which the array worked
    logic [31:0] waited;   // before its start, for other descriptors
    logic [31:0] starved;  // in which a computation waited for the requantizer, a load or store for the bus
    logic [31:0] port;     // lost to others at the port of a buffer
    logic [15:0] bytes;    // moved
  } record_t;

endpackage
