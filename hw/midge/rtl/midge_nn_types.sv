// What the unit of Xmidge tells the core about an instruction in execute, and its own writeback stage with each beat.
package midge_nn_types;

  typedef struct packed {
    logic        illegal;
    logic        started;        // too late to be interrupted
    logic        held;           // nothing goes to writeback in this cycle
    logic        more;           // the instruction stays for another beat
    logic        request;        // memory is accessed
    logic        write;          // a byte is stored
    logic        aligned;        // the lowest bits of the address must be zero
    logic [7:0]  store_byte;
    logic [31:0] offset;         // of the address from the first operand
    logic [31:0] step;           // of rd from the first operand, except:
    logic [31:0] result;         // of get, rqv, max4, min4
  } nn_beat_t;

  typedef struct packed {
    logic       access;      // the data come from memory; otherwise they are the first operand
    logic       activation;  // to word `word` of the activations of pixel `row`
    logic       column;      // to row `row` of the column
    logic       fill;        // to all rows of the column
    logic       complete;    // the column is complete: its taps may start
    logic       advance;     // on to the next column then
    logic [1:0] group;       // of weights that the taps use
    logic       weights;     // to the weight registers
    logic       mac;         // which then go to channel `index` of the accumulators
    logic       first;       // overwriting it
    logic       array;       // to element `index` of the register whose code is 16 + `code`
    logic [2:0] code;
    logic [1:0] row;
    logic [1:0] word;
    logic [1:0] low;         // lowest bits of the address: the data are this word's end and the next one's beginning
    logic [7:0] index;
  } nn_operation_t;

endpackage
