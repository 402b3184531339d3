#include "keysvc/rpc/unary.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace coffer::keysvc {

Digest DigestOf(const google::protobuf::Message& message) {
  SecretBytes bytes(message.ByteSizeLong());
  const MutableBytes buffer = bytes.ExposeMutable(SecretAccess::kCipher);
  {
    google::protobuf::io::ArrayOutputStream array(buffer.data(), static_cast<int>(buffer.size()));
    google::protobuf::io::CodedOutputStream out(&array);  // writes its last bytes when it ends
    out.SetSerializationDeterministic(true);
    message.SerializeWithCachedSizes(&out);
  }
  // The name has no zero byte, so it is read in one way.
  const std::string type = message.GetTypeName() + '\0';
  return Sha256({AsBytes(type), bytes.Expose(SecretAccess::kCipher)});
}

}  // namespace coffer::keysvc
