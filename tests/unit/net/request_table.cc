// The families together.
#include "tests/unit/net/request_table.h"

namespace mimus {

std::vector<RequestFamily> request_table() {
  return {target_rows(), line_rows(),  field_rows(),     framing_rows(),
          chunk_rows(),  limit_rows(), connection_rows()};
}

}  // namespace mimus
