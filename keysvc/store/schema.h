// The tables of a key store, once, for every implementation: columns, types, primary keys. docs/SCHEMA.md says what
// they mean. The order of columns is under the row MAC: it changes only with the schema version.
#pragma once

#include <span>
#include <string_view>

#include "crypto/value.h"

namespace coffer::keysvc {

enum class Table : std::uint8_t {
  kStore,     // one row: the store's UUID, schema version, root key id
  kSealSlot,  // the root key, wrapped, once a slot
  kTenant,
  kKeyring,
  kKek,
  kKeyVersion,
  kDataKey,
  kCatalogScope,
  kSecret,
  kSecretVersion,
  kSecretMetadata,
  kDestruction,
  kCensusSource,
  kRotation,
  kVersionOrigin,
  kAuditLog,      // one row: the audit log that records what is done to the store, and how far it had come
  kAccessPolicy,  // every policy that was applied; the last one holds
  kApproval,      // acts that wait for others' signatures
  kApprovalVote,
  kAccessGrant,  // grants that were issued beside a policy
  kBreakGlass,   // every use of what a policy keeps for an emergency
  kAccessToken,  // bearer tokens, as digests
  kDeniedCertificate,
};
inline constexpr std::size_t kTableCount = 23;

struct ColumnSpec {
  std::string_view name;
  ValueType type;
  bool nullable = false;
};

struct TableSpec {
  Table table;
  std::string_view name;
  std::span<const ColumnSpec> columns;
  std::size_t primary_key_columns;      // the first so many
  std::span<const std::size_t> unique;  // column indexes of one further unique key; empty: none
  bool loaded_at_start;                 // every row checked at start; else each row when read
  std::int64_t since;                   // the schema version that brought the table
};

// A program reads stores of its own schema version and of all before it, which it upgrades; never of a later one. An
// upgrade adds tables and touches no row.
inline constexpr std::int64_t kSchemaVersion = 6;

std::span<const TableSpec> Schema();
const TableSpec& SpecOf(Table table);

}  // namespace coffer::keysvc
