// The tokens that rows store: for each index of a field, of each version that a write carries.
#pragma once

#include "keysvc/service/key_engine.h"
#include "policy/catalog_view.h"

namespace coffer::keysvc {

// The tokens of one index version for all values of a column, value by value.
struct IndexColumnOutput {
  std::string index;
  std::uint16_t version = 0;
  std::size_t width = 1;              // tokens a value
  std::vector<std::int64_t> numbers;  // `width` a value, or
  std::vector<std::string> strings;   // one a value
  std::vector<std::uint32_t> nulls;   // values without a token; zeros, or an empty string, stand there
};

// One version of an index, ready to make tokens. The rule must outlive it.
struct IndexAtWork {
  const policy::IndexRule* rule = nullptr;
  const policy::IndexVersionRule* version = nullptr;
  TokenizerPointer tokenizer;  // null: no row of this tenant has its tokens
};

// The tokenizer of one version for a tenant. kFailedPrecondition when its key is not enabled. Errors At "index.<name>".
Result<IndexAtWork> OpenIndex(KeyEngine& keys, const policy::IndexRule& rule, const policy::IndexVersionRule& version,
                              TenantUuid tenant, bool make);
// True when IndexWriter::Open would have to make a key.
bool NeedsIndexKey(const KeyEngine& keys, const policy::FieldRule& rule, TenantUuid tenant);

// A value as the version reads it; `part` counts the parts of a compound index, else 0. kFailedPrecondition: the
// profile was made with another version of Unicode than this program's, which may read this text otherwise.
Result<SecretBytes> ReadValue(const policy::IndexVersionRule& version, std::size_t part, ByteView value);

// The value of a compound index: each part read as the version declares, packed. Nothing when one is NULL (nothing).
Result<std::optional<SecretBytes>> PackParts(const policy::IndexVersionRule& version,
                                             const std::vector<std::optional<ByteView>>& parts);

// Makes the tokens of one field's indexes, value by value.
class IndexWriter {
 public:
  // Opens every index, and makes the keys that are not there yet.
  static Result<IndexWriter> Open(KeyEngine& keys, const policy::FieldRule& rule, TenantUuid tenant);

  // The plaintexts of a compound index's parts for the value at hand; nothing is NULL.
  using Parts = std::vector<std::optional<ByteView>>;
  using PartsOf = std::function<Result<Parts>(const policy::IndexRule&)>;

  // Appends the tokens of the next value. kInvalidArgument At "index.<name>" for a value that an index cannot take.
  Status Add(ByteView plaintext, const PartsOf& parts);
  // Appends "no token" for the next value.
  void AddNothing();

  std::vector<IndexColumnOutput> TakeOutput() && { return std::move(outputs_); }
  bool empty() const { return indexes_.empty(); }

 private:
  static void AppendNull(IndexColumnOutput& output, std::uint32_t item, const TokenForm& form);

  std::vector<IndexAtWork> indexes_;
  std::vector<IndexColumnOutput> outputs_;  // one an index at work
  std::uint32_t items_ = 0;
};

}  // namespace coffer::keysvc
