// FieldService: encrypts, decrypts and rewraps the values of fields, through the pipeline.
#pragma once

#include "keysvc/service/pipeline.h"

namespace coffer::keysvc {

inline constexpr std::size_t kMaxColumns = 64;
inline constexpr std::size_t kMaxItems = 4'096;                     // over all columns of a call
inline constexpr std::size_t kMaxFieldValue = 64 * 1024;            // bytes of a plaintext
inline constexpr std::size_t kMaxCallBytes = std::size_t{4} << 20;  // values, rows and contexts of a call

// Values of one field for one tenant. The views must outlive the call.
struct FieldColumn {
  std::string_view field;
  std::string_view tenant;  // empty: "default"
  std::vector<ByteView> values;
  std::vector<ScalarView> row_parts;  // row_width for each value, value by value
  std::size_t row_width = 0;
  std::vector<BoundColumn> contexts;  // context_width for each value, value by value
  std::size_t context_width = 0;
};

enum class ItemFailure : std::uint8_t { kDecryptFailed = 1, kKeyDisabled = 2 };

struct ColumnOutput {
  std::vector<std::string> values;                              // one a value asked; empty where it failed
  std::vector<std::pair<std::uint32_t, ItemFailure>> failures;  // by ascending index
};

struct FieldOutput {
  std::vector<ColumnOutput> columns;
  std::uint64_t rewrapped = 0;
};

// Thread-safe. kInvalidArgument, with a path like "columns[0].values[3]", for an unknown field or tenant, a broken
// limit, or a row or context that is not as declared; then nothing was done.
class FieldService {
 public:
  FieldService(const Pipeline& pipeline, const Clock& clock, const Barrier& barrier)
      : pipeline_(pipeline), clock_(clock), barrier_(barrier) {}

  Result<FieldOutput> Encrypt(const Caller& caller, const std::vector<FieldColumn>& columns) const;
  Result<FieldOutput> Decrypt(const Caller& caller, const std::vector<FieldColumn>& columns) const;
  Result<FieldOutput> Rewrap(const Caller& caller, const std::vector<FieldColumn>& columns) const;

  // True when a call over these columns is short and waits for nothing, so that it may run on a transport's thread.
  // `makes_keys`: the call encrypts.
  bool IsQuick(const std::vector<FieldColumn>& columns, bool makes_keys) const;

 private:
  const Pipeline& pipeline_;
  const Clock& clock_;
  const Barrier& barrier_;
};

}  // namespace coffer::keysvc
