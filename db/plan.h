// Plan: a catalog for a database that has none, proposed from its schema: which columns hold secrets and personal data,
// what to bind, what an index would show, and where else the plaintext stands. A person decides; nothing is changed.
//
// Values are looked at only when `sample` says so, and never kept or shown.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "crypto/value.h"
#include "db/guess.h"
#include "db/schema.h"
#include "policy/catalog.h"

namespace coffer::db {

struct PlanOptions {
  std::string scope;         // an identifier; empty: made of the database's name
  bool count = false;        // count rows and different values instead of believing statistics: reads whole tables
  std::uint32_t sample = 0;  // values of each column of texts to look at; 0: none
  // Tables counted or sampled so far, of how many.
  std::function<void(std::uint64_t done, std::uint64_t total)> on_progress;
};
inline constexpr std::uint32_t kMaxSample = 10'000;

enum class Advice : std::uint8_t {
  kCopy,        // the plaintext stands there too, or comes there
  kConstraint,  // does not work on ciphertext
  kType,        // needs care
  kRow,         // of the row id
  kBind,        // of what is bound
  kIndex,       // of an index, or why there is none
  kName,        // the catalog calls it otherwise
  kHash,        // one-way: nothing to encrypt
};
std::string_view AdviceName(Advice advice);  // "copy"

struct Note {
  Advice advice = Advice::kCopy;
  std::string text;  // names only, no value
};

// By equality.
struct ProposedIndex {
  std::string name;
  policy::IndexType type = policy::IndexType::kText;
  std::uint16_t bits = 0;
  bool unique = false;
  std::vector<std::string> transforms;
};

// What the catalog would say of one column.
struct ProposedField {
  TableName table;
  std::string column;
  std::string type;
  Content content = Content::kSecret;
  bool by_sample = false;    // the name said nothing
  policy::ColumnName field;  // in the catalog
  policy::FieldClass field_class = policy::FieldClass::kPii;
  std::vector<ValueType> row;  // empty: cannot be bound
  std::vector<std::string> row_columns;
  std::vector<policy::BoundType> bind;
  std::string unbound;  // why not
  std::optional<ColumnFigures> figures;
  std::vector<ProposedIndex> indexes;
  std::vector<Note> notes;
};

// An application whose database this is.
struct KnownApplication {
  std::string_view name;
  std::string_view advice;
  bool keeps_its_columns = false;  // it cannot be told to encrypt: nothing of its tables is proposed
};

struct Plan {
  std::string scope;
  std::optional<KnownApplication> application;
  Schema schema;                      // counted, where that was asked for
  std::vector<ProposedField> fields;  // by table and column
  std::vector<Note> notes;            // of the database
  std::string catalog;                // the fragment; policy::ParseCatalog takes it
};

// kInvalidArgument: options; kResourceExhausted: more fields than a catalog has; else as ReadSchema. Thread-safe.
Result<Plan> MakePlan(const Source& source, const PlanOptions& options);

// Where else the plaintext of a column stands or comes to, by what the schema shows. Thread-safe.
std::vector<Note> FindCopies(const Schema& schema, const SchemaTable& table, const SchemaColumn& column);

// Constraints, indexes and types that do not go on with ciphertext. Thread-safe.
std::vector<Note> FindObstacles(const Schema& schema, const SchemaTable& table, const SchemaColumn& column);

// What the tables say; nothing for none that is known. Thread-safe.
std::optional<KnownApplication> FindApplication(const Schema& schema);

// Gives each proposed index the bits that the planner of policy/ advises, and drops those that it refuses, with a note.
Status ChooseIndexes(Plan& plan);

// The catalog's text, with a comment for every note. kInternal: it does not parse, a defect.
Result<std::string> WriteCatalog(const Plan& plan);

}  // namespace coffer::db
