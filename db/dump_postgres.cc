// PostgreSQL: pg_dump writes the schema in its two sections, and the rows between them are ours, of the same snapshot.
#include <algorithm>
#include <array>
#include <map>

#include "crypto/random.h"
#include "db/dump.h"
#include "db/mask.h"
#include "db/postgres_session.h"
#include "io/input_stream.h"
#include "io/process.h"

namespace coffer::db {
namespace {

using Cells = std::span<const std::optional<ByteView>>;

constexpr std::size_t kPiece = std::size_t{64} << 10;

constexpr const char* kBegin =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL intervalstyle = 'postgres';"
    " SET LOCAL extra_float_digits = 3; SET LOCAL bytea_output = 'hex'";

// Those that only a table of its own has: what is inherited comes and goes with the parent's.
constexpr const char* kChecks =
    "SELECT n.nspname::text, c.relname::text, o.conname::text, pg_get_constraintdef(o.oid), o.convalidated::text"
    " FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE o.contype = 'c' AND o.coninhcount = 0";

constexpr const char* kDomainChecks =
    "SELECT DISTINCT dn.nspname::text, t.typname::text, o.conname::text, pg_get_constraintdef(o.oid),"
    " o.convalidated::text, n.nspname::text, c.relname::text, a.attname::text FROM pg_constraint o"
    " JOIN pg_type t ON t.oid = o.contypid JOIN pg_namespace dn ON dn.oid = t.typnamespace"
    " JOIN pg_attribute a ON a.atttypid = t.oid AND NOT a.attisdropped JOIN pg_class c ON c.oid = a.attrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE o.contype = 'c' AND c.relkind IN ('r', 'p')";

constexpr const char* kSequences =
    "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'S' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS"
    " (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')";

constexpr const char* kMappings =
    "SELECT count(*)::text FROM pg_user_mappings WHERE umoptions IS NOT NULL AND umoptions <> '{}'";
constexpr const char* kForeignTables = "SELECT count(*)::text FROM pg_class WHERE relkind = 'f'";
constexpr const char* kLargeObjects = "SELECT count(*)::text FROM pg_largeobject_metadata";

// COPY's text form.
void AppendCopyText(std::string_view value, std::string& line) {
  for (const char c : value) {
    switch (c) {
      case '\\':
        line += "\\\\";
        break;
      case '\n':
        line += "\\n";
        break;
      case '\r':
        line += "\\r";
        break;
      case '\t':
        line += "\\t";
        break;
      default:
        line += c;
    }
  }
}

Result<Bytes> BytesOfHex(std::string_view text) {
  if (text.starts_with("\\x")) text.remove_prefix(2);
  Bytes bytes;
  const auto digit = [](char c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; };
  if (text.size() % 2 != 0 || text.find_first_not_of("0123456789abcdef") != text.npos) {
    return Error(ErrorCode::kInternal, "the PostgreSQL server writes bytes in another form");
  }
  for (std::size_t i = 0; i < text.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(digit(text[i]) * 16 + digit(text[i + 1])));
  }
  return bytes;
}

class PostgresDump {
 public:
  PostgresDump(PostgresSession& session, const Source& source, const DumpOptions& options, const DumpSink& sink)
      : session_(session), server_(session.server()), source_(source), options_(options), sink_(sink) {}

  Result<DumpReport> Run();

 private:
  using Texts = std::vector<std::string>;
  struct Detached {
    std::string drop;
    std::string add;
    std::string name;
  };

  Status Each(const std::string& sql, const std::function<Status(const Texts&)>& on_row);
  Status Write(std::string_view text) { return sink_(text); }
  Status CheckMappings();
  Status NameLeftOut();
  Status FindChecks();
  Status FindDomainChecks();
  void Detach(const std::string& altered, const Texts& check, const std::string& shown);
  Status WriteSection(const char* section);
  Status WriteRows();
  Status LockTables();
  Status FindSequences();
  Status WriteTable(const SchemaTable& table, const PostgresTable& locked, const TableRedaction& redaction);
  Status WriteRow(Cells cells, const std::vector<const ColumnMask*>& masks);
  Result<std::string> Masked(const ColumnMask& mask, std::string_view value);
  Status WriteSequences();

  PostgresSession& session_;
  PostgresConnection& server_;
  const Source& source_;
  const DumpOptions& options_;
  const DumpSink& sink_;
  Schema schema_;
  Redaction redaction_;
  Masker masker_;
  DumpReport report_;
  std::vector<Detached> detached_;
  std::map<std::size_t, PostgresTable> locked_;  // by place in the schema: those whose rows are written
  std::vector<std::string> sequences_;
  std::string snapshot_;
  std::string waiting_;  // rows that are not written yet
  bool is_restricted_ = false;
  std::uint64_t placeholders_ = 0;
};

Status PostgresDump::Each(const std::string& sql, const std::function<Status(const Texts&)>& on_row) {
  Texts texts;
  return server_.Query(sql, {}, [&](Cells cells) -> Status {
    texts.clear();
    for (const auto& cell : cells) texts.emplace_back(cell ? AsText(*cell) : std::string_view());
    return on_row(texts);
  });
}

Status PostgresDump::CheckMappings() {
  bool has_options = false;
  COFFER_TRY(Each(kMappings, [&has_options](const Texts& row) -> Status {
    has_options = row[0] != "0";
    return {};
  }));
  if (!has_options) return {};
  return Error(ErrorCode::kFailedPrecondition,
               "a user mapping of a foreign server has options, maybe a password, which pg_dump would write: drop it "
               "in a copy of the database, and dump that")
      .At("database");
}

Status PostgresDump::NameLeftOut() {
  const auto name = [this](const std::string& what) {
    return [this, what](const Texts& row) -> Status {
      if (row[0] != "0") report_.left_out.push_back(row[0] + " " + what);
      return {};
    };
  };
  COFFER_TRY(Each(kForeignTables, name("foreign table(s): their rows")));
  return Each(kLargeObjects, name("large object(s)"));
}

void PostgresDump::Detach(const std::string& altered, const Texts& check, const std::string& shown) {
  const std::string constraint = QuotedName(check[2]);
  const bool was_valid = check[4] == "true";
  detached_.push_back(
      {"ALTER " + altered + " DROP CONSTRAINT " + constraint + ";\n",
       "ALTER " + altered + " ADD CONSTRAINT " + constraint + " " + check[3] + (was_valid ? " NOT VALID;\n" : ";\n"),
       shown});
}

// Masks keep the form of values, and need not keep a rule about them: such a CHECK comes back for new rows.
Status PostgresDump::FindChecks() {
  return Each(kChecks, [this](const Texts& check) -> Status {
    const SchemaTable* const table = schema_.Find({check[0], check[1]});
    if (table == nullptr) return {};
    const TableRedaction& redaction = redaction_.tables[static_cast<std::size_t>(table - schema_.tables.data())];
    for (const SchemaConstraint& constraint : table->constraints) {
      const bool is_it = constraint.kind == ConstraintKind::kCheck && constraint.name == check[2];
      if (!is_it || constraint.is_ciphertext_check) continue;
      const bool touched = std::any_of(
          constraint.columns.begin(), constraint.columns.end(), [&redaction, table](const std::string& column) {
            const SchemaColumn* const found = table->Find(column);
            return redaction.Find(column) != nullptr || (found != nullptr && found->generated);
          });
      if (touched) Detach("TABLE " + SqlName({check[0], check[1]}), check, ShownTable(table->name) + ": " + check[2]);
    }
    return {};
  });
}

Status PostgresDump::FindDomainChecks() {
  std::string last;
  return Each(kDomainChecks, [this, &last](const Texts& check) -> Status {
    const SchemaTable* const table = schema_.Find({check[5], check[6]});
    const std::string name = SqlName({check[0], check[1]}) + "." + check[2];
    if (table == nullptr || name == last) return {};
    const TableRedaction& redaction = redaction_.tables[static_cast<std::size_t>(table - schema_.tables.data())];
    if (redaction.Find(check[7]) == nullptr) return {};
    last = name;
    Detach("DOMAIN " + SqlName({check[0], check[1]}), check, "domain " + check[1] + ": " + check[2]);
    return {};
  });
}

// pg_dump's standard error is ours: it says why it fails, and sees no row.
Status PostgresDump::WriteSection(const char* section) {
  ChildOptions child_options;
  child_options.input = ChildStream::kNull;
  child_options.output = ChildStream::kPipe;
  auto child =
      ChildProcess::Spawn({options_.pg_dump, "--dbname=" + source_.location, std::string("--section=") + section,
                           "--snapshot=" + snapshot_, "--no-password", "--no-owner", "--no-privileges",
                           "--no-subscriptions", "-B", "--encoding=UTF8", "--lock-wait-timeout=60000"},
                          child_options);
  if (!child.ok()) return Error(child.error()).At("pg_dump");
  InputStream output(child->TakeOutput());
  Bytes piece(kPiece);
  bool first = true;
  while (!output.ended()) {
    COFFER_ASSIGN_OR_RETURN(const std::size_t count, output.Read(piece));
    const std::string_view text = AsText(ByteView(piece).first(count));
    if (first) is_restricted_ = is_restricted_ || text.find("\n\\restrict ") != text.npos;
    first = false;
    COFFER_TRY(Write(text));
  }
  COFFER_ASSIGN_OR_RETURN(const int code, child->Wait());
  if (code == 0) return {};
  return Error(ErrorCode::kUnavailable, "failed: what it said is on standard error").At("pg_dump");
}

Result<std::string> PostgresDump::Masked(const ColumnMask& mask, std::string_view value) {
  const std::string folded = mask.folds_case ? FoldedName(value) : std::string(value);
  switch (mask.kind) {
    case MaskKind::kCiphertext:
      return "\\x" + ToHex(AsBytes(PlaceholderCiphertext(++placeholders_)));
    case MaskKind::kOpaque:
      return masker_.Opaque(folded, mask.length_max);
    case MaskKind::kText:
    case MaskKind::kByValue:
      return masker_.Text(folded, mask.length_max);
    case MaskKind::kNumber:
      return masker_.Number(value, mask.most);
    case MaskKind::kDate:
      return masker_.Date(value);
    case MaskKind::kUuid:
      return masker_.Uuid(value);
    case MaskKind::kBytes: {
      COFFER_ASSIGN_OR_RETURN(const Bytes bytes, BytesOfHex(value));
      return "\\x" + ToHex(AsBytes(masker_.Bytes(bytes)));
    }
    case MaskKind::kNull:
    case MaskKind::kConstant:
      break;
  }
  return mask.constant;
}

Status PostgresDump::WriteRow(Cells cells, const std::vector<const ColumnMask*>& masks) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) waiting_ += '\t';
    if (!cells[i]) {
      waiting_ += "\\N";
    } else if (masks[i] == nullptr) {
      AppendCopyText(AsText(*cells[i]), waiting_);
    } else {
      COFFER_ASSIGN_OR_RETURN(const std::string masked, Masked(*masks[i], AsText(*cells[i])));
      AppendCopyText(masked, waiting_);
    }
  }
  waiting_ += '\n';
  ++report_.rows;
  if (waiting_.size() < kPiece) return {};
  COFFER_TRY(Write(waiting_));
  waiting_.clear();
  if (options_.on_progress) options_.on_progress(report_.rows);
  return {};
}

// What is not needed for a mask does not leave the server. Texts are made by each type's own output function.
std::string ExpressionOf(const std::string& name, const ColumnMask* mask) {
  if (mask != nullptr && mask->kind == MaskKind::kNull) return "NULL::text";
  const bool unread = mask != nullptr && (mask->kind == MaskKind::kCiphertext || mask->kind == MaskKind::kConstant);
  return "CASE WHEN num_nulls(" + name + ") = 0 THEN " + (unread ? "''" : "format('%s', " + name + ")") + " END";
}

Status PostgresDump::LockTables() {
  for (std::size_t i = 0; i < schema_.tables.size(); ++i) {
    const SchemaTable& table = schema_.tables[i];
    if (table.is_partitioned || redaction_.tables[i].omits_rows) continue;
    COFFER_ASSIGN_OR_RETURN(PostgresTable locked, session_.Lock(table.name));
    locked_.emplace(i, std::move(locked));
  }
  return {};
}

Status PostgresDump::WriteTable(const SchemaTable& table, const PostgresTable& locked,
                                const TableRedaction& redaction) {
  std::string columns;
  std::string expressions;
  std::vector<const ColumnMask*> masks;
  for (const PostgresColumn& column : locked.columns) {
    if (column.generated) continue;
    if (table.Find(column.name) == nullptr) {
      return Error(ErrorCode::kConflict, "was altered while it was looked at: try again").At(ShownTable(table.name));
    }
    const std::string name = QuotedName(column.name);
    masks.push_back(redaction.Find(column.name));
    columns += (columns.empty() ? "" : ", ") + name;
    expressions += (expressions.empty() ? "" : ", ") + ExpressionOf(name, masks.back());
  }
  const std::string list = columns.empty() ? " " : " (" + columns + ") ";
  COFFER_TRY(Write("\nCOPY " + locked.name + list + "FROM stdin;\n"));
  COFFER_TRY(server_.Query("SELECT " + expressions + " FROM ONLY " + locked.name, {},
                           [this, &masks](Cells cells) { return WriteRow(cells, masks); }));
  COFFER_TRY(Write(waiting_ + "\\.\n\n"));
  waiting_.clear();
  return {};
}

Status PostgresDump::WriteRows() {
  std::array<std::byte, 16> random = {};
  FillRandom(random);
  const std::string key = ToHex(random);
  if (is_restricted_) COFFER_TRY(Write("\n\\restrict " + key + "\n"));
  COFFER_TRY(
      Write("\nSET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\nSET row_security = off;\n"
            "SET DateStyle = 'ISO, MDY';\nSET IntervalStyle = 'postgres';\n"));
  for (const Detached& check : detached_) COFFER_TRY(Write(check.drop));
  for (std::size_t i = 0; i < schema_.tables.size(); ++i) {
    const SchemaTable& table = schema_.tables[i];
    const TableRedaction& redaction = redaction_.tables[i];
    if (!redaction.masks.empty() || redaction.omits_rows) report_.tables.push_back(redaction);
    const auto locked = locked_.find(i);
    if (locked != locked_.end()) COFFER_TRY(WriteTable(table, locked->second, redaction));
  }
  COFFER_TRY(WriteSequences());
  for (const Detached& check : detached_) {
    COFFER_TRY(Write(check.add));
    report_.not_valid.push_back(check.name);
  }
  return is_restricted_ ? Write("\n\\unrestrict " + key + "\n\n") : Status();
}

Status PostgresDump::FindSequences() {
  COFFER_TRY(Each(kSequences, [this](const Texts& row) -> Status {
    sequences_.push_back(SqlName({row[0], row[1]}));
    return {};
  }));
  for (const std::string& name : sequences_) {
    const Status trusted = session_.CheckTrust(name);
    if (!trusted.ok()) return Error(trusted.error()).At("sequences");
  }
  return {};
}

Status PostgresDump::WriteSequences() {
  for (const std::string& name : sequences_) {
    COFFER_TRY(Each("SELECT last_value::text, is_called::text FROM " + name, [this, &name](const Texts& row) {
      return Write("SELECT pg_catalog.setval(" + SqlText(name) + ", " + row[0] + ", " + row[1] + ");\n");
    }));
  }
  return {};
}

Result<DumpReport> PostgresDump::Run() {
  COFFER_ASSIGN_OR_RETURN(schema_, ReadPostgresSchema(session_, SchemaOptions{false}));
  COFFER_ASSIGN_OR_RETURN(redaction_, PlanRedaction(schema_, options_.redact));
  COFFER_TRY(server_.Execute(kBegin));
  COFFER_TRY(Each("SELECT pg_export_snapshot()", [this](const Texts& row) -> Status {
    snapshot_ = row[0];
    return {};
  }));
  COFFER_TRY(LockTables());
  COFFER_TRY(FindSequences());
  COFFER_TRY(CheckMappings());
  COFFER_TRY(NameLeftOut());
  COFFER_TRY(FindChecks());
  COFFER_TRY(FindDomainChecks());
  COFFER_TRY(WriteSection("pre-data"));
  COFFER_TRY(WriteRows());
  COFFER_TRY(WriteSection("post-data"));
  COFFER_TRY(server_.Execute("COMMIT"));
  return std::move(report_);
}

}  // namespace

Result<DumpReport> DumpPostgres(const Source& source, const DumpOptions& options, const DumpSink& sink) {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<PostgresSession> session, PostgresSession::Open(source));
  return PostgresDump(*session, source, options, sink).Run();
}

}  // namespace coffer::db
