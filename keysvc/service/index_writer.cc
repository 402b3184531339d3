#include "keysvc/service/index_writer.h"

#include <algorithm>

#include "policy/index_value.h"

namespace coffer::keysvc {
namespace {

IndexPlace PlaceOf(const policy::IndexVersionRule& version, TenantUuid tenant) {
  return {.keyring = version.keyring,
          .key_version = version.key_version,
          .domain = version.domain,
          .global = version.global,
          .tenant = tenant,
          .form = version.form};
}

Error AtIndex(Error error, const policy::IndexRule& rule) { return std::move(error).At("index." + rule.name); }

// Nothing: a part is NULL.
Result<std::optional<IndexTokens>> CompoundTokens(const IndexAtWork& index,
                                                  const std::vector<std::optional<ByteView>>& parts) {
  COFFER_ASSIGN_OR_RETURN(const std::optional<SecretBytes> packed, PackParts(*index.version, parts));
  if (!packed) return std::optional<IndexTokens>();
  COFFER_ASSIGN_OR_RETURN(IndexTokens tokens, index.tokenizer->Stored(packed->Expose(SecretAccess::kCipher)));
  return std::optional(std::move(tokens));
}

Result<IndexTokens> SingleTokens(const IndexAtWork& index, ByteView plaintext) {
  if (index.rule->kind == IndexKind::kRange) {
    COFFER_ASSIGN_OR_RETURN(const std::uint64_t order,
                            policy::OrderOf(index.version->values.front(), AsText(plaintext)));
    return index.tokenizer->StoredRange(order);
  }
  COFFER_ASSIGN_OR_RETURN(const SecretBytes value, ReadValue(*index.version, 0, plaintext));
  return index.tokenizer->Stored(value.Expose(SecretAccess::kCipher));
}

void Append(IndexTokens tokens, IndexColumnOutput& output) {
  output.numbers.insert(output.numbers.end(), tokens.numbers.begin(), tokens.numbers.end());
  for (const Bytes& token : tokens.strings) output.strings.emplace_back(AsText(ByteView(token)));
}

}  // namespace

Result<SecretBytes> ReadValue(const policy::IndexVersionRule& version, std::size_t part, ByteView value) {
  const bool same_unicode = version.unicode.empty() || version.unicode == UnicodeVersion();
  if (!same_unicode && !policy::IsStableText(value)) {
    return Error(ErrorCode::kFailedPrecondition,
                 "has characters beyond U+024F, and the index was made with another version of Unicode than this "
                 "program has: rotate the index");
  }
  return policy::IndexedBytes(version.values[part], value);
}

Result<std::optional<SecretBytes>> PackParts(const policy::IndexVersionRule& version,
                                             const std::vector<std::optional<ByteView>>& parts) {
  COFFER_CHECK(parts.size() == version.values.size());
  std::vector<SecretBytes> values;
  std::vector<std::optional<ByteView>> views;
  values.reserve(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i]) return std::optional<SecretBytes>();
    COFFER_ASSIGN_OR_RETURN(SecretBytes value, ReadValue(version, i, *parts[i]));
    values.push_back(std::move(value));
    views.emplace_back(values.back().Expose(SecretAccess::kCipher));
  }
  return PackCompound(views);
}

Result<IndexAtWork> OpenIndex(KeyEngine& keys, const policy::IndexRule& rule, const policy::IndexVersionRule& version,
                              TenantUuid tenant, bool make) {
  Result<TokenizerPointer> tokenizer = keys.TokenizerFor(PlaceOf(version, tenant), make && !version.merged);
  if (!tokenizer.ok()) return AtIndex(std::move(tokenizer).error(), rule);
  return IndexAtWork{.rule = &rule, .version = &version, .tokenizer = std::move(tokenizer).value()};
}

bool NeedsIndexKey(const KeyEngine& keys, const policy::FieldRule& rule, TenantUuid tenant) {
  for (const policy::IndexRule& index : rule.indexes) {
    for (const policy::IndexVersionRule* version : index.VersionsToWrite()) {
      if (!version->merged && !keys.HasIndexKey(PlaceOf(*version, tenant))) return true;
    }
  }
  return false;
}

Result<IndexWriter> IndexWriter::Open(KeyEngine& keys, const policy::FieldRule& rule, TenantUuid tenant) {
  IndexWriter writer;
  for (const policy::IndexRule& index : rule.indexes) {
    for (const policy::IndexVersionRule* version : index.VersionsToWrite()) {
      COFFER_ASSIGN_OR_RETURN(IndexAtWork opened, OpenIndex(keys, index, *version, tenant, true));
      const TokenForm& form = version->form;
      writer.outputs_.push_back({.index = index.name,
                                 .version = version->number,
                                 .width = form.IsArray() ? std::size_t{form.count} : 1,
                                 .numbers = {},
                                 .strings = {},
                                 .nulls = {}});
      writer.indexes_.push_back(std::move(opened));
    }
  }
  return writer;
}

Status IndexWriter::Add(ByteView plaintext, const PartsOf& parts) {
  for (std::size_t i = 0; i < indexes_.size(); ++i) {
    const IndexAtWork& index = indexes_[i];
    if (index.tokenizer == nullptr) {
      AppendNull(outputs_[i], items_, index.version->form);
      continue;
    }
    if (index.rule->kind != IndexKind::kCompound) {
      Result<IndexTokens> tokens = SingleTokens(index, plaintext);
      if (!tokens.ok()) return AtIndex(std::move(tokens).error(), *index.rule);
      Append(std::move(tokens).value(), outputs_[i]);
      continue;
    }
    const auto values = parts(*index.rule);
    if (!values.ok()) return AtIndex(values.error(), *index.rule);
    Result<std::optional<IndexTokens>> tokens = CompoundTokens(index, *values);
    if (!tokens.ok()) return AtIndex(std::move(tokens).error(), *index.rule);
    if (*tokens) {
      Append(std::move(**tokens), outputs_[i]);
    } else {
      AppendNull(outputs_[i], items_, index.version->form);
    }
  }
  ++items_;
  return {};
}

void IndexWriter::AddNothing() {
  for (std::size_t i = 0; i < indexes_.size(); ++i) AppendNull(outputs_[i], items_, indexes_[i].version->form);
  ++items_;
}

void IndexWriter::AppendNull(IndexColumnOutput& output, std::uint32_t item, const TokenForm& form) {
  output.nulls.push_back(item);
  if (form.column == TokenColumn::kBytea) {
    output.strings.emplace_back();
  } else {
    output.numbers.insert(output.numbers.end(), output.width, 0);
  }
}

}  // namespace coffer::keysvc
