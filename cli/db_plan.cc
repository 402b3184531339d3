// coffer db plan: a catalog proposed for a database that has none.
#include <unistd.h>

#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/db_catalog.h"
#include "cli/db_columns.h"
#include "cli/progress.h"
#include "db/plan.h"
#include "io/terminal.h"

namespace coffer::cli {
namespace {

struct PlanCommand {
  DatabaseOption database;
  db::PlanOptions plan;
  bool toml = false;
};

Json NotesJson(const std::vector<db::Note>& notes) {
  Json list = Json::array();
  for (const db::Note& note : notes) list.push_back({{"about", db::AdviceName(note.advice)}, {"text", note.text}});
  return list;
}

Json ToJson(const db::ProposedField& field) {
  Json row = Json::array();
  for (const ValueType type : field.row) row.push_back(policy::ValueTypeName(type));
  Json bind = Json::object();
  for (const policy::BoundType& bound : field.bind) bind[bound.column] = policy::ValueTypeName(bound.type);
  Json indexes = Json::array();
  for (const db::ProposedIndex& index : field.indexes) {
    indexes.push_back({{"name", index.name},
                       {"type", policy::IndexTypeName(index.type)},
                       {"bits", index.bits},
                       {"unique", index.unique},
                       {"transform", index.transforms}});
  }
  Json expect = nullptr;
  if (field.figures) {
    expect = {{"rows", field.figures->rows},
              {"distinct", field.figures->distinct},
              {"top_share", field.figures->top_share},
              {"counted", field.figures->counted}};
  }
  return {{"column", db::ShownColumn(field.table, field.column)},
          {"type", field.type},
          {"content", db::ContentName(field.content)},
          {"by_values", field.by_sample},
          {"field", field.field.ToText()},
          {"class", policy::FieldClassName(field.field_class)},
          {"row", row},
          {"row_columns", field.row_columns},
          {"bind", bind},
          {"unbound", field.unbound},
          {"expect", expect},
          {"indexes", indexes},
          {"notes", NotesJson(field.notes)}};
}

Json ToJson(const db::Plan& plan) {
  Json fields = Json::array();
  for (const db::ProposedField& field : plan.fields) fields.push_back(ToJson(field));
  Json application = nullptr;
  if (plan.application) application = plan.application->name;
  return {{"scope", plan.scope}, {"application", application},     {"tables", plan.schema.tables.size()},
          {"fields", fields},    {"notes", NotesJson(plan.notes)}, {"catalog", plan.catalog}};
}

std::string BoundText(const db::ProposedField& field) {
  std::string text;
  for (const std::string& column : field.row_columns) text += (text.empty() ? "" : ", ") + column;
  std::string bind;
  for (const policy::BoundType& bound : field.bind) bind += (bind.empty() ? "" : ", ") + bound.column;
  if (text.empty()) text = "no row";
  return bind.empty() ? text : text + "; " + bind;
}

std::string IndexText(const db::ProposedField& field) {
  std::string text;
  for (const db::ProposedIndex& index : field.indexes) {
    text += (text.empty() ? "" : ", ") + index.name + " (" + std::to_string(index.bits) + " bits)";
  }
  return text.empty() ? "-" : text;
}

std::string ToText(const db::Plan& plan) {
  std::string text;
  for (const db::Note& note : plan.notes) text += ShownName(note.text) + "\n";
  if (plan.fields.empty())
    return text + "no column looks secret or personal by its name: --sample looks at values too\n";
  Table table({"COLUMN", "LOOKS LIKE", "CLASS", "BOUND TO", "INDEX"});
  for (const db::ProposedField& field : plan.fields) {
    table.Add({ShownName(db::ShownColumn(field.table, field.column)),
               std::string(db::ContentName(field.content)) + (field.by_sample ? " (values)" : ""),
               std::string(policy::FieldClassName(field.field_class)), ShownName(BoundText(field)), IndexText(field)});
  }
  text += "\n" + table.ToText();
  for (const db::ProposedField& field : plan.fields) {
    if (field.notes.empty()) continue;
    text += "\n" + ShownName(db::ShownColumn(field.table, field.column)) + ":\n";
    for (const db::Note& note : field.notes) {
      text += "  " + std::string(db::AdviceName(note.advice)) + ": " + ShownName(note.text) + "\n";
    }
  }
  return text +
         "\nGuesses: read them, then 'coffer db plan --toml' writes the catalog, and 'coffer catalog plan' says what "
         "its indexes show.\n";
}

Outcome<int> MakePlan(Session& session, const PlanCommand& command) {
  if (command.toml && session.json()) return UsageFailure("--toml is a form of its own: leave --output json out");
  COFFER_ASSIGN_OR_RETURN(const db::Source source, SourceOf(command.database));
  db::PlanOptions options = command.plan;
  std::optional<Progress> bar;
  const bool shows = !session.json() && IsTerminal(STDERR_FILENO);
  options.on_progress = [&bar, shows](std::uint64_t done, std::uint64_t total) {
    if (!bar) bar.emplace(total, shows);
    bar->Show(done);
  };
  const auto plan = db::MakePlan(source, options);
  bar.reset();
  if (!plan.ok()) return OfDatabase(plan.error());
  if (session.json()) {
    COFFER_TRY(PrintJson(ToJson(*plan)));
  } else {
    COFFER_TRY(Print(command.toml ? plan->catalog : ToText(*plan)));
  }
  return kExitOk;
}

}  // namespace

void AddDbPlanCommand(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<PlanCommand>();
  CLI::App& command = tree.AddCommand(
      group, "plan", "Propose a catalog for a database: what is secret or personal, and where else it stands",
      "  coffer db plan postgresql://reader@db.example/shop\n"
      "  coffer db plan shop.db --count --sample 200 --toml > catalog.toml\n"
      "  coffer db plan postgresql:///shop --output json",
      [options](Session& session) { return MakePlan(session, *options); });
  AddDatabaseArgument(command, options->database);
  command.add_option("--scope", options->plan.scope, "The catalog's scope; made of the database's name unless told")
      ->type_name("NAME");
  command.add_flag("--count", options->plan.count,
                   "Count rows and different values, which reads whole tables, instead of believing statistics");
  command
      .add_option("--sample", options->plan.sample,
                  "Look at so many values of each column of texts, too; none is kept or shown")
      ->type_name("N")
      ->check(NumberBetween(1, db::kMaxSample));
  command.add_flag("--toml", options->toml, "The catalog alone, with the notes as comments");
}

}  // namespace coffer::cli
