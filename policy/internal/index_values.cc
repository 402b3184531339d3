#include "policy/internal/index_values.h"

#include "crypto/names.h"
#include "crypto/range_map.h"
#include "policy/internal/table_reader.h"

namespace coffer::policy {
namespace {

using Kind = TomlNode::Kind;

constexpr std::size_t kMaxEnd = 64;
constexpr std::size_t kShareDigits = 12;

// "0.0001" in units of 10^-12.
Result<std::uint64_t> ReadShare(const TomlNode& node) {
  const Error refused = Refused("must be a number above 0 and at most 1, with up to 12 decimals");
  if (node.kind == Kind::kInteger && node.integer == 1) return kWholeShare;
  if (node.kind != Kind::kDecimal || (node.text.front() != '0' && node.text.front() != '1') || node.text[1] != '.') {
    return refused;
  }
  std::string_view fraction = std::string_view(node.text).substr(2);
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  if (fraction.size() > kShareDigits) return refused;
  std::uint64_t share = 0;
  for (std::size_t i = 0; i < kShareDigits; ++i) {
    share = share * 10 + static_cast<std::uint64_t>(i < fraction.size() ? fraction[i] - '0' : 0);
  }
  if (node.text.front() == '1') share += kWholeShare;
  if (share == 0 || share > kWholeShare) return refused;
  return share;
}

Result<std::uint64_t> ReadAmount(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(const std::int64_t amount,
                          ReadWithin(node, 1, static_cast<std::int64_t>(kMaxExpectedRows), "must be 1 to 10^12"));
  return static_cast<std::uint64_t>(amount);
}

Result<std::uint8_t> ReadPasses(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(const std::int64_t passes, ReadWithin(node, 1, 16, "must be 1 to 16"));
  return static_cast<std::uint8_t>(passes);
}

Result<std::uint32_t> ReadMemory(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(const std::int64_t kib, ReadWithin(node, 8192, 262144, "must be 8192 to 262144"));
  return static_cast<std::uint32_t>(kib);
}

}  // namespace

Result<std::int64_t> ReadWithin(const TomlNode& node, std::int64_t low, std::int64_t high, Literal message) {
  if (node.kind != Kind::kInteger || node.integer < low || node.integer > high) {
    return Refused(message).WithLimit(static_cast<std::uint64_t>(high));
  }
  return node.integer;
}

Result<std::string> ReadReason(const TomlNode& node) {
  if (node.kind != Kind::kText || !IsReason(node.text)) {
    return Refused("must be 1 to 200 characters that all show").WithLimit(kMaxReason);
  }
  return node.text;
}

Result<std::string> ReadIndexName(const TomlNode& node) {
  if (node.kind != Kind::kText || !IsIdentifier(node.text)) return Refused("is not a name: [a-z_][a-z0-9_]{0,62}");
  return node.text;
}

Result<ColumnName> ReadColumnName(const TomlNode& node) {
  if (node.kind == Kind::kText) {
    if (const auto name = ColumnName::Parse(node.text)) return *name;
  }
  return Refused("must be the text \"table.column\"");
}

Result<IndexKind> ReadIndexKind(const TomlNode& node) {
  if (node.kind == Kind::kText) {
    if (const auto kind = ParseIndexKind(node.text)) return *kind;
  }
  return Refused("is not a kind: equality, prefix, ngram, range or compound");
}

Result<IndexType> ReadIndexType(const TomlNode& node) {
  if (node.kind == Kind::kText) {
    if (const auto type = ParseIndexType(node.text)) return *type;
  }
  return Refused("is not a type: text, bytes, int64, uuid, timestamp, decimal or double");
}

Result<std::uint8_t> ReadScale(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(const std::int64_t scale, ReadWithin(node, 0, kMaxIndexScale, "must be 0 to 18"));
  return static_cast<std::uint8_t>(scale);
}

Result<std::vector<Transform>> ReadTransforms(const TomlNode& node) {
  if (node.kind != Kind::kArray) return Refused("must be a list of transforms");
  if (node.items.size() > kMaxTransforms) return Refused("has more steps than allowed").WithLimit(kMaxTransforms);
  std::vector<Transform> steps;
  for (const TomlNode& item : node.items) {
    if (item.kind != Kind::kText) return OnLine(Refused("must be a list of transforms"), item.line);
    Result<Transform> step = Transform::Parse(item.text);
    if (!step.ok()) return OnLine(std::move(step).error(), item.line);
    steps.push_back(*step);
  }
  return steps;
}

Result<std::uint16_t> ReadBits(const TomlNode& node) {
  if (node.kind == Kind::kInteger && (node.integer == 128 || node.integer == 256)) {
    return static_cast<std::uint16_t>(node.integer);
  }
  COFFER_ASSIGN_OR_RETURN(const std::int64_t bits, ReadWithin(node, 1, 63, "must be 1 to 63, 128 or 256"));
  return static_cast<std::uint16_t>(bits);
}

Result<bool> ReadIndexScope(const TomlNode& node) {
  if (node.kind == Kind::kText && node.text == "tenant") return false;
  if (node.kind == Kind::kText && node.text == "global") return true;
  return Refused("must be \"tenant\" or \"global\"");
}

Result<std::uint16_t> ReadPartitions(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(const std::int64_t partitions, ReadWithin(node, 1, 256, "must be 1 to 256"));
  return static_cast<std::uint16_t>(partitions);
}

Result<std::uint8_t> ReadN(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(const std::int64_t n, ReadWithin(node, 2, 16, "must be 2 to 16"));
  return static_cast<std::uint8_t>(n);
}

Result<std::vector<std::uint8_t>> ReadLengths(const TomlNode& node) {
  if (node.kind != Kind::kArray || node.items.empty()) return Refused("must be a list of lengths, 1 to 255, ascending");
  std::vector<std::uint8_t> lengths;
  for (const TomlNode& item : node.items) {
    const std::int64_t above = lengths.empty() ? 1 : std::int64_t{lengths.back()} + 1;
    COFFER_ASSIGN_OR_RETURN(const std::int64_t length,
                            ReadWithin(item, above, 255, "must be a list of lengths, 1 to 255, ascending"));
    lengths.push_back(static_cast<std::uint8_t>(length));
  }
  return lengths;
}

Result<std::string> ReadEnd(const TomlNode& node) {
  if (node.kind == Kind::kInteger) return std::to_string(node.integer);
  const bool written = node.kind == Kind::kText || node.kind == Kind::kDecimal || node.kind == Kind::kInstant;
  if (!written || node.text.empty() || node.text.size() > kMaxEnd || !IsReason(node.text)) {
    return Refused("must be a value of the index's type, as text or bare").WithLimit(kMaxEnd);
  }
  return node.text;
}

Result<std::uint8_t> ReadSparsity(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(const std::int64_t sparsity, ReadWithin(node, 1, kMaxSparsity, "must be 1 to 8"));
  return static_cast<std::uint8_t>(sparsity);
}

Result<std::uint8_t> ReadCount(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(const std::int64_t count, ReadWithin(node, 1, 255, "must be 1 to 255"));
  return static_cast<std::uint8_t>(count);
}

Result<SlowCost> ReadSlow(const TomlNode& node) {
  if (node.kind != Kind::kTable) return Refused("must be a table, like { passes = 2, memory_kib = 65536 }");
  SlowCost slow;
  TableReader reader(node);
  reader.Read("passes", ReadPasses, slow.passes);
  reader.Read("memory_kib", ReadMemory, slow.memory_kib);
  COFFER_TRY(reader.Finish({"passes", "memory_kib"}, "is not a key of a slow index"));
  return slow;
}

Result<std::uint16_t> ReadIndexVersion(const TomlNode& node) {
  COFFER_ASSIGN_OR_RETURN(const std::int64_t version, ReadWithin(node, 1, kMaxIndexVersion, "must be 1 to 32767"));
  return static_cast<std::uint16_t>(version);
}

Result<Expectation> ReadExpectation(const TomlNode& node) {
  if (node.kind != Kind::kTable) {
    return Refused("must be a table, like { rows = 1000000, distinct = 900000, top_share = 0.0001 }");
  }
  Expectation expect;
  TableReader reader(node);
  reader.Read("rows", ReadAmount, expect.rows);
  reader.Read("distinct", ReadAmount, expect.distinct);
  reader.Read("top_share", ReadShare, expect.top_share);
  COFFER_TRY(reader.Finish({"rows", "distinct", "top_share"}, "is not something to expect"));
  COFFER_TRY(ValidateExpectation(expect));
  return expect;
}

}  // namespace coffer::policy
