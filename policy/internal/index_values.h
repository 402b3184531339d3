// Readers of the values that index tables of a catalog file and of a lock share. Each fails with kInvalidArgument and
// no path of its own: the caller knows the key.
#pragma once

#include "policy/index_declaration.h"
#include "policy/internal/field_values.h"

namespace coffer::policy {

// An integer from `low` to `high`, which `message` names.
Result<std::int64_t> ReadWithin(const TomlNode& node, std::int64_t low, std::int64_t high, Literal message);

Result<std::string> ReadReason(const TomlNode& node);
Result<std::string> ReadIndexName(const TomlNode& node);  // an identifier
Result<ColumnName> ReadColumnName(const TomlNode& node);
Result<IndexKind> ReadIndexKind(const TomlNode& node);
Result<IndexType> ReadIndexType(const TomlNode& node);
Result<std::uint8_t> ReadScale(const TomlNode& node);
Result<std::vector<Transform>> ReadTransforms(const TomlNode& node);
Result<std::uint16_t> ReadBits(const TomlNode& node);
Result<bool> ReadIndexScope(const TomlNode& node);  // true: global
Result<std::uint16_t> ReadPartitions(const TomlNode& node);
Result<std::uint8_t> ReadN(const TomlNode& node);
Result<std::vector<std::uint8_t>> ReadLengths(const TomlNode& node);
Result<std::string> ReadEnd(const TomlNode& node);  // of a range: text, or a number as text
Result<std::uint8_t> ReadSparsity(const TomlNode& node);
Result<std::uint8_t> ReadCount(const TomlNode& node);
Result<SlowCost> ReadSlow(const TomlNode& node);
Result<std::uint16_t> ReadIndexVersion(const TomlNode& node);
Result<Expectation> ReadExpectation(const TomlNode& node);

}  // namespace coffer::policy
