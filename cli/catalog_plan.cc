// coffer catalog plan: what the indexes of a catalog file would show, without a service.
#include <algorithm>

#include "cli/commands.h"
#include "cli/printing.h"
#include "io/file.h"
#include "policy/index_sentences.h"

namespace coffer::cli {
namespace {

Json AdvisedJson(const std::optional<policy::BitRange>& advised) {
  if (!advised) return nullptr;
  return {{"min", advised->min}, {"max", advised->max}};
}

Json IndexJson(const policy::IndexAssessment& index) {
  Json leaks = Json::array();
  for (const policy::IndexLeak leak : index.leaks) leaks.push_back(policy::SentenceOf(leak, index));
  Json causes = Json::array();
  for (const policy::IndexRefusal refusal : index.refusals) causes.push_back(policy::CauseOf(refusal));
  return {{"field", index.field.ToText()},
          {"index", index.name},
          {"kind", policy::IndexKindName(index.kind)},
          {"bits", index.bits},
          {"partitions", index.partitions},
          {"rows", index.expect.rows},
          {"distinct", index.expect.distinct},
          {"value_bits", index.value_bits},
          {"false_rows", index.false_rows},
          {"linkage", index.linkage},
          {"advised_bits", AdvisedJson(index.advised)},
          {"leaks", leaks},
          {"against", causes},
          {"accepted", index.accepted},
          {"refused", index.IsRefused()}};
}

Json AssessmentJson(const policy::CatalogAssessment& assessment) {
  Json indexes = Json::array();
  for (const policy::IndexAssessment& index : assessment.indexes) indexes.push_back(IndexJson(index));
  Json tables = Json::array();
  for (const policy::TableAssessment& table : assessment.tables) {
    tables.push_back({{"table", table.table},
                      {"rows", table.rows},
                      {"coincidences", table.coincidences},
                      {"tells_rows_apart", table.tells_rows_apart}});
  }
  return {{"indexes", indexes}, {"tables", tables}};
}

std::string AssessmentText(const policy::CatalogAssessment& assessment) {
  std::string text;
  for (const std::string& line : policy::LinesOf(assessment)) text += line + "\n";
  return text.empty() ? "no indexes\n" : text;
}

Outcome<int> Plan(Session& session, const std::string& file) {
  COFFER_ASSIGN_OR_RETURN(const Bytes bytes, ReadFile(file, policy::kMaxCatalogBytes));
  const auto catalog = policy::ParseCatalog(AsText(bytes));
  if (!catalog.ok()) return Failure(kExitFailed, catalog.error().ToString());
  const policy::CatalogAssessment assessment = policy::AssessIndexes(*catalog);
  COFFER_TRY(session.json() ? PrintJson(AssessmentJson(assessment)) : Print(AssessmentText(assessment)));
  const auto refused = std::count_if(assessment.indexes.begin(), assessment.indexes.end(),
                                     [](const policy::IndexAssessment& index) { return index.IsRefused(); });
  if (refused == 0) return kExitOk;
  return Failure(kExitFailed, "apply would refuse " + std::to_string(refused) + " of these",
                 "index the field together with another one, or say why it has to be with accept_leak");
}

}  // namespace

void AddCatalogPlanCommand(CommandTree& tree, CLI::App& group) {
  auto file = std::make_shared<std::string>();
  CLI::App& plan =
      tree.AddCommand(group, "plan", "Show what a catalog file's indexes would give away; no service needed",
                      "  coffer catalog plan catalog.toml\n  coffer catalog plan catalog.toml -o json",
                      [file](Session& session) { return Plan(session, *file); });
  plan.add_option("file", *file, "The catalog")->type_name("FILE")->required();
}

}  // namespace coffer::cli
