// Wiping what protobuf messages held.
#pragma once

#include <string>

#include <google/protobuf/repeated_ptr_field.h>

#include "crypto/bytes.h"

namespace coffer::client {

// Overwrites a message's field (`*message.mutable_value()`) with zeros and empties it. Copies that gRPC made on the way
// are not reached: a process that links coffer_wiping_delete wipes those when they are freed.
inline void WipeMessageField(std::string& field) {
  Wipe(AsMutableBytes(field));
  field.clear();
}

inline void WipeMessageField(google::protobuf::RepeatedPtrField<std::string>& fields) {
  for (std::string& field : fields) WipeMessageField(field);
}

}  // namespace coffer::client
