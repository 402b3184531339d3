#include "db/redaction.h"

#include <algorithm>
#include <array>
#include <optional>

namespace coffer::db {
namespace {

constexpr std::uint64_t kMost2 = 32'767;
constexpr std::uint64_t kMost4 = 2'147'483'647;
constexpr std::uint64_t kMost8 = 9'223'372'036'854'775'807;

struct TypeMask {
  std::string_view type;
  MaskKind kind;
  std::uint64_t most = 0;
};
constexpr std::array kMasks = {
    TypeMask{"text", MaskKind::kText},
    TypeMask{"varchar", MaskKind::kText},
    TypeMask{"bpchar", MaskKind::kText},
    TypeMask{"name", MaskKind::kText},
    TypeMask{"citext", MaskKind::kText},
    TypeMask{"int2", MaskKind::kNumber, kMost2},
    TypeMask{"int4", MaskKind::kNumber, kMost4},
    TypeMask{"int8", MaskKind::kNumber, kMost8},
    TypeMask{"numeric", MaskKind::kNumber, kMost8},
    TypeMask{"float4", MaskKind::kNumber, kMost8},
    TypeMask{"float8", MaskKind::kNumber, kMost8},
    TypeMask{"date", MaskKind::kDate},
    TypeMask{"timestamp", MaskKind::kDate},
    TypeMask{"timestamptz", MaskKind::kDate},
    TypeMask{"uuid", MaskKind::kUuid},
    TypeMask{"bytea", MaskKind::kBytes},
    TypeMask{"ciphertext", MaskKind::kCiphertext},
};

struct TypeConstant {
  std::string_view type;
  std::string_view text;
};
constexpr std::array kConstants = {
    TypeConstant{"json", "{}"},     TypeConstant{"jsonb", "{}"},          TypeConstant{"xml", "<redacted/>"},
    TypeConstant{"array", "{}"},    TypeConstant{"bool", "false"},        TypeConstant{"inet", "192.0.2.1"},
    TypeConstant{"hstore", ""},     TypeConstant{"cidr", "192.0.2.0/24"}, TypeConstant{"macaddr", "00:00:5e:00:53:00"},
    TypeConstant{"range", "empty"}, TypeConstant{"interval", "0"},        TypeConstant{"time", "00:00:00"},
    TypeConstant{"tsvector", ""},
};

Error Unmaskable(const SchemaTable& table, const SchemaColumn& column) {
  return Error(ErrorCode::kFailedPrecondition,
               "has no mask and must not be NULL: keep it with --keep, or leave the table's rows out with --omit-rows")
      .At(ShownColumn(table.name, column.name));
}

// Takes ciphertext alone.
bool IsGuarded(const SchemaTable& table, const SchemaColumn& column) {
  if (column.base_type == "ciphertext") return true;
  return std::any_of(table.constraints.begin(), table.constraints.end(), [&column](const SchemaConstraint& one) {
    return one.is_ciphertext_check &&
           std::find(one.columns.begin(), one.columns.end(), column.name) != one.columns.end();
  });
}

class Redacting {
 public:
  Redacting(const Schema& schema, const RedactOptions& options) : schema_(schema), options_(options) {}
  Result<Redaction> Run();

 private:
  Result<std::size_t> IndexOf(const TableName& name) const;
  Status CheckKept();
  Status AddCatalog();
  Status AddNamed();
  std::optional<Content> ContentOf(const SchemaTable& table, const SchemaColumn& column) const;
  void AddGuesses();
  void AddPartitions();
  bool AddForeignKeys();
  Status Settle(const SchemaTable& table, TableRedaction& redaction);

  bool IsKept(const TableName& table, const std::string& column) const {
    return std::find(kept_.begin(), kept_.end(), ColumnPlace{table, column}) != kept_.end();
  }
  Status Add(const ColumnPlace& place, MaskReason reason);
  void AddAt(std::size_t table, const SchemaColumn& column, MaskReason reason, bool secret);
  ColumnMask MaskOf(const SchemaColumn& column, MaskReason reason, bool secret) const;

  const Schema& schema_;
  const RedactOptions& options_;
  Redaction redaction_;
  std::vector<ColumnPlace> kept_;
};

Result<std::size_t> Redacting::IndexOf(const TableName& name) const {
  const SchemaTable* const table = schema_.Resolve(name);
  if (table == nullptr) return Error(ErrorCode::kNotFound, "there is no such table").At(ShownTable(name));
  return static_cast<std::size_t>(table - schema_.tables.data());
}

ColumnMask Redacting::MaskOf(const SchemaColumn& column, MaskReason reason, bool secret) const {
  ColumnMask mask;
  mask.column = column.name;
  mask.reason = reason;
  mask.length_max = column.length_max;
  mask.folds_case = column.base_type == "citext";
  if (schema_.engine == Engine::kSqlite) {
    const bool opaque = secret && reason != MaskReason::kToken;
    mask.kind = reason == MaskReason::kCatalog ? MaskKind::kCiphertext
                : opaque                       ? MaskKind::kOpaque
                                               : MaskKind::kByValue;
    return mask;
  }
  const auto known = std::find_if(kMasks.begin(), kMasks.end(),
                                  [&column](const TypeMask& one) { return one.type == column.base_type; });
  if (known != kMasks.end()) {
    mask.kind = known->kind;
    mask.most = known->most;
    if (mask.kind == MaskKind::kText && secret) mask.kind = MaskKind::kOpaque;
    if (mask.kind == MaskKind::kBytes && reason == MaskReason::kCatalog) mask.kind = MaskKind::kCiphertext;
    return mask;
  }
  mask.kind = MaskKind::kNull;
  if (!column.not_null) return mask;
  const auto constant = std::find_if(kConstants.begin(), kConstants.end(),
                                     [&column](const TypeConstant& one) { return one.type == column.base_type; });
  if (constant == kConstants.end()) return mask;  // Settle refuses it
  mask.kind = MaskKind::kConstant;
  mask.constant = constant->text;
  return mask;
}

void Redacting::AddAt(std::size_t table, const SchemaColumn& column, MaskReason reason, bool secret) {
  TableRedaction& redaction = redaction_.tables[table];
  if (redaction.Find(column.name) != nullptr) return;
  ColumnMask mask = MaskOf(column, reason, secret);
  // A token says nothing of a masked value; one that must be there is made up.
  if (reason == MaskReason::kToken && !column.not_null) mask.kind = MaskKind::kNull;
  redaction.masks.push_back(std::move(mask));
}

Status Redacting::Add(const ColumnPlace& place, MaskReason reason) {
  COFFER_ASSIGN_OR_RETURN(const std::size_t table, IndexOf(place.table));
  const SchemaColumn* const column = schema_.tables[table].Find(place.column);
  if (column == nullptr) {
    return Error(ErrorCode::kNotFound, "there is no such column").At(ShownColumn(place.table, place.column));
  }
  AddAt(table, *column, reason, reason == MaskReason::kCatalog);
  return {};
}

Status Redacting::AddCatalog() {
  if (options_.catalog == nullptr) return {};
  CheckOptions places{options_.catalog, options_.places};
  COFFER_ASSIGN_OR_RETURN(const std::vector<CheckedField> fields, PlacesOf(places, schema_));
  for (const CheckedField& field : fields) {
    COFFER_TRY(Add(field.place, MaskReason::kCatalog));
    if (IsKept(field.place.table, field.place.column)) {
      return Error(ErrorCode::kInvalidArgument, "is protected by the catalog: it cannot be kept")
          .At(ShownColumn(field.place.table, field.place.column));
    }
    for (const policy::CatalogIndex& index : options_.catalog->Find(field.field)->indexes) {
      COFFER_ASSIGN_OR_RETURN(const std::size_t table, IndexOf(field.place.table));
      // The version beside a token says nothing of the value.
      const std::string name = TokenColumnsOf(field.place.column, index).front();
      for (const SchemaColumn& column : schema_.tables[table].columns) {
        const bool later = index.unique && column.name.starts_with(name + "_");
        if (column.name == name || later) AddAt(table, column, MaskReason::kToken, true);
      }
    }
  }
  return {};
}

Status Redacting::AddNamed() {
  for (const ColumnPlace& place : options_.mask) COFFER_TRY(Add(place, MaskReason::kAsked));
  for (const TableName& name : options_.omit_rows) {
    COFFER_ASSIGN_OR_RETURN(const std::size_t table, IndexOf(name));
    redaction_.tables[table].omits_rows = true;
  }
  return {};
}

Status Redacting::CheckKept() {
  for (const ColumnPlace& place : options_.keep) {
    COFFER_ASSIGN_OR_RETURN(const std::size_t table, IndexOf(place.table));
    if (schema_.tables[table].Find(place.column) == nullptr) {
      return Error(ErrorCode::kNotFound, "there is no such column").At(ShownColumn(place.table, place.column));
    }
    kept_.push_back({schema_.tables[table].name, place.column});
  }
  return {};
}

std::optional<Content> Redacting::ContentOf(const SchemaTable& table, const SchemaColumn& column) const {
  const std::optional<Content> by_name = GuessByName(table, column);
  if (by_name) return by_name;
  for (const auto& [place, content] : options_.found_by_values) {
    if (place == ColumnPlace{table.name, column.name}) return content;
  }
  return std::nullopt;
}

void Redacting::AddGuesses() {
  if (!options_.guess) return;
  for (std::size_t i = 0; i < schema_.tables.size(); ++i) {
    const SchemaTable& table = schema_.tables[i];
    for (const SchemaColumn& column : table.columns) {
      const std::optional<Content> content = ContentOf(table, column);
      const bool encrypted = IsGuarded(table, column);
      if ((!content && !encrypted) || column.generated || IsKept(table.name, column.name)) continue;
      AddAt(i, column, MaskReason::kGuess, encrypted || !IsPersonalContent(*content));
    }
  }
}

// A child's columns are its parent's; parents may come behind their children.
void Redacting::AddPartitions() {
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < schema_.tables.size(); ++i) {
      if (!schema_.tables[i].parent) continue;
      const SchemaTable* const parent = schema_.Find(*schema_.tables[i].parent);
      if (parent == nullptr) continue;
      const TableRedaction& above = redaction_.tables[static_cast<std::size_t>(parent - schema_.tables.data())];
      TableRedaction& below = redaction_.tables[i];
      if (above.omits_rows && !below.omits_rows) below.omits_rows = changed = true;
      for (const ColumnMask& mask : above.masks) {
        if (below.Find(mask.column) != nullptr || schema_.tables[i].Find(mask.column) == nullptr) continue;
        below.masks.push_back(mask);
        changed = true;
      }
    }
  }
}

// Both ends of a foreign key get the same mask. True when one was added.
bool Redacting::AddForeignKeys() {
  bool changed = false;
  for (std::size_t i = 0; i < schema_.tables.size(); ++i) {
    for (const SchemaConstraint& constraint : schema_.tables[i].constraints) {
      const SchemaTable* const other = schema_.Resolve(constraint.other);
      if (constraint.kind != ConstraintKind::kForeignKey || other == nullptr) continue;
      const auto j = static_cast<std::size_t>(other - schema_.tables.data());
      for (std::size_t k = 0; k < std::min(constraint.columns.size(), constraint.other_columns.size()); ++k) {
        const auto copy = [&](std::size_t from, const std::string& from_column, std::size_t to,
                              const std::string& to_column) {
          const ColumnMask* const mask = redaction_.tables[from].Find(from_column);
          if (mask == nullptr || redaction_.tables[to].Find(to_column) != nullptr) return;
          ColumnMask same = *mask;
          same.column = to_column;
          same.reason = MaskReason::kForeignKey;
          redaction_.tables[to].masks.push_back(std::move(same));
          changed = true;
        };
        copy(i, constraint.columns[k], j, constraint.other_columns[k]);
        copy(j, constraint.other_columns[k], i, constraint.columns[k]);
      }
    }
  }
  return changed;
}

Status Redacting::Settle(const SchemaTable& table, TableRedaction& redaction) {
  std::vector<ColumnMask> ordered;
  for (const SchemaColumn& column : table.columns) {
    const ColumnMask* const mask = redaction.Find(column.name);
    if (mask == nullptr || column.generated) continue;
    const std::string where = ShownColumn(table.name, column.name);
    const bool is_partition_key =
        std::find(table.partition_key.begin(), table.partition_key.end(), column.name) != table.partition_key.end();
    if (is_partition_key && !redaction.omits_rows) {
      return Error(ErrorCode::kFailedPrecondition,
                   "is a partition key, which cannot be masked: keep it with --keep, or leave the rows out")
          .At(where);
    }
    const bool same = mask->kind == MaskKind::kConstant || mask->kind == MaskKind::kNull;
    const bool refused = (mask->kind == MaskKind::kNull && column.not_null) ||
                         (mask->kind == MaskKind::kConstant && table.HasUnique(column.name));
    if (same && refused && !redaction.omits_rows) return Unmaskable(table, column);
    ordered.push_back(*mask);
    if (mask->kind == MaskKind::kBytes && IsGuarded(table, column)) ordered.back().kind = MaskKind::kCiphertext;
  }
  redaction.masks = std::move(ordered);
  return {};
}

Result<Redaction> Redacting::Run() {
  for (const SchemaTable& table : schema_.tables) redaction_.tables.push_back({table.name, {}, false});
  COFFER_TRY(CheckKept());
  COFFER_TRY(AddCatalog());
  COFFER_TRY(AddNamed());
  AddGuesses();
  do {
    AddPartitions();
  } while (AddForeignKeys());
  for (std::size_t i = 0; i < schema_.tables.size(); ++i) {
    COFFER_TRY(Settle(schema_.tables[i], redaction_.tables[i]));
  }
  return std::move(redaction_);
}

}  // namespace

std::string_view MaskReasonName(MaskReason reason) {
  switch (reason) {
    case MaskReason::kCatalog:
      return "catalog";
    case MaskReason::kToken:
      return "token";
    case MaskReason::kAsked:
      return "asked";
    case MaskReason::kGuess:
      return "guess";
    case MaskReason::kForeignKey:
      break;
  }
  return "foreign-key";
}

const ColumnMask* TableRedaction::Find(std::string_view column) const {
  const auto found =
      std::find_if(masks.begin(), masks.end(), [column](const ColumnMask& mask) { return mask.column == column; });
  return found == masks.end() ? nullptr : &*found;
}

Result<Redaction> PlanRedaction(const Schema& schema, const RedactOptions& options) {
  return Redacting(schema, options).Run();
}

}  // namespace coffer::db
