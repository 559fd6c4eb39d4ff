/* The commands that move tensors and run the model. */
#ifndef SMIDGEN_INFERENCE_H
#define SMIDGEN_INFERENCE_H

#include "service.h"

service_status inference_input(const service_request *request, cbor_writer *reply);
service_status inference_run(const service_request *request, cbor_writer *reply);
service_status inference_output(const service_request *request, cbor_writer *reply);
service_status inference_rows(const service_request *request, cbor_writer *reply);
service_status inference_selftest(const service_request *request, cbor_writer *reply);
service_status inference_reset(cbor_writer *reply);

#endif
