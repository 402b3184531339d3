// SecretService: the vault. A value is a field ciphertext of the built-in field coffer.secret, bound to (secret UUID,
// version), in a row under the store's MACs.
#pragma once

#include <optional>

#include "crypto/names.h"
#include "keysvc/service/pipeline.h"

namespace coffer::keysvc {

inline constexpr std::size_t kMaxSecretValue = std::size_t{1} << 20;
inline constexpr std::int64_t kMaxSecretVersions = 1'000'000;
inline constexpr std::size_t kMaxMetadataPairs = 64;
inline constexpr std::size_t kMaxVersionsACall = 1'000;

struct SecretName {
  std::string tenant;  // empty: "default"
  std::string path;    // escaped
};

using MetadataPairs = std::vector<std::pair<std::string, std::string>>;  // by key, no duplicates

// A version without its value.
struct SecretVersionView {
  SecretVersion version;
  SecretState state = SecretState::kLive;
  std::int64_t created_us = 0;
  std::int64_t expires_us = 0;  // 0: never
  std::string created_by;
  std::uint32_t key_version = 0;  // 0 when destroyed
};

struct PutSecretRequest {
  SecretName name;
  ByteView value;
  std::optional<SecretVersion> expected_version;  // compare-and-set; 0: must not exist
  std::int64_t expires_us = 0;
  std::optional<MetadataPairs> metadata;  // replaces what is there
};

struct SecretValue {
  SecretBytes value;
  SecretVersionView version;
  MetadataPairs metadata;
};

struct SecretHistory {
  std::vector<SecretVersionView> versions;  // newest first
  MetadataPairs metadata;
  std::string next;  // empty on the last page
};

struct SecretPage {
  std::vector<SecretRecord> secrets;  // by path
  std::string next;                   // empty on the last page
};

// Thread-safe. kNotFound: no such path or version. kFailedPrecondition: deleted, destroyed or expired. kConflict:
// compare-and-set lost.
class SecretService {
 public:
  SecretService(const Pipeline& pipeline, const Clock& clock) : pipeline_(pipeline), clock_(clock) {}

  Result<SecretVersionView> Put(const Caller& caller, const PutSecretRequest& request) const;
  // `version` 0: the current one.
  Result<SecretValue> Get(const Caller& caller, const SecretName& name, SecretVersion version) const;
  Result<SecretPage> List(const Caller& caller, const std::string& tenant, const std::string& prefix,
                          std::uint32_t page_size, const std::string& page_token) const;
  Result<SecretHistory> History(const Caller& caller, const SecretName& name, std::uint32_t page_size,
                                const std::string& page_token) const;
  // Each returns how many versions changed state. No versions means the current one.
  Result<std::uint32_t> Delete(const Caller& caller, const SecretName& name,
                               const std::vector<SecretVersion>& versions) const;
  Result<std::uint32_t> Undelete(const Caller& caller, const SecretName& name,
                                 const std::vector<SecretVersion>& versions) const;
  // Names its versions: 1 to 1,000. Asks a second person. Ok once it is durable that they are destroyed; the
  // ciphertexts are out of the store's files then as well, or the record counts them as failed and says that they are
  // not yet.
  Result<std::uint32_t> Destroy(const Caller& caller, const SecretName& name,
                                const std::vector<SecretVersion>& versions) const;

  // Pipeline::Reject.
  Error Reject(const Caller& caller, policy::Operation operation, Error error) const {
    return pipeline_.Reject(caller, operation, std::move(error));
  }

 private:
  Result<std::uint32_t> ChangeState(Unsealed& unsealed, CallRecord& record, const SecretName& name,
                                    const std::vector<SecretVersion>& versions, SecretState from, SecretState to) const;

  const Pipeline& pipeline_;
  const Clock& clock_;
};

}  // namespace coffer::keysvc
