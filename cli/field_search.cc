// coffer field search: the tokens that find a value's rows, as SQL.
#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/field_plan.h"
#include "cli/printing.h"
#include "cli/search_term.h"
#include "cli/secret_options.h"
#include "cli/token_predicate.h"
#include "client/search.h"

namespace coffer::cli {
namespace {

struct SearchOptions {
  std::string field;
  std::string index;
  std::string column;
  std::string form = "text";
  TermOptions term;
  SecretOptions whose;  // the tenant alone
};

Json TokensJson(const v1::TokenSet& set) {
  Json tokens = Json::array();
  for (const std::int64_t number : set.numbers()) tokens.push_back(number);
  for (const std::string& bytes : set.bytes()) tokens.push_back(ByteaText(bytes));
  return tokens;
}

Json VersionJson(const PlannedIndex& index, const v1::IndexVersionTokens& tokens, const std::string& column) {
  Json sets = Json::array();
  for (const v1::TokenSet& set : tokens.sets()) sets.push_back(TokensJson(set));
  return {{"version", tokens.version()},
          {"column", index.ColumnOf(column, tokens.version())},
          {"match", tokens.match() == v1::TOKEN_MATCH_ALL ? "all" : "any"},
          {"sets", sets},
          {"predicate", PredicateOf(index, tokens, column)}};
}

Outcome<void> PrintAnswer(const Session& session, const PlannedIndex& index, const v1::IndexAnswer& answer,
                          const std::string& column) {
  if (!session.json()) return Print(PredicateOf(index, answer, column) + "\n");
  Json versions = Json::array();
  for (const v1::IndexVersionTokens& tokens : answer.versions()) versions.push_back(VersionJson(index, tokens, column));
  return PrintJson({{"index", index.name}, {"versions", versions}, {"predicate", PredicateOf(index, answer, column)}});
}

Outcome<v1::IndexTokensResponse> Ask(client::Client& client, const PlannedIndex& index, const SearchOptions& options) {
  v1::IndexTokensRequest request;
  v1::IndexQuery& query = *request.add_queries();
  query.set_field(options.field);
  query.set_tenant(options.whose.tenant);
  TermOptions term = options.term;
  if (options.form == "base64") term.form = PlainForm::kBase64;
  COFFER_ASSIGN_OR_RETURN(*query.mutable_search(), ReadSearch(index, term));
  auto answer = client.IndexTokens(request);
  client::WipeSearch(*query.mutable_search());
  if (!answer.ok()) return answer.error();
  if (answer->answers_size() != 1) return Failure(kExitFailed, "the service's answer has another shape");
  return std::move(answer).value();
}

Outcome<int> Search(Session& session, const SearchOptions& options) {
  COFFER_ASSIGN_OR_RETURN(const FieldMapping mapping, ParseMapping(options.field));
  if (options.field.find('=') != std::string::npos) return UsageFailure("--field takes SCOPE.TABLE.COLUMN");
  const std::string column = options.column.empty() ? mapping.column + "_" + options.index : options.column;
  if (!IsColumnName(column)) return UsageFailure("--column takes NAME or ALIAS.NAME, of letters, digits and _");
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  COFFER_ASSIGN_OR_RETURN(const policy::CatalogLock lock, FetchLock(*client, mapping.field.scope));
  COFFER_ASSIGN_OR_RETURN(const policy::LockedField* const field, FindField(lock, mapping.field));
  COFFER_ASSIGN_OR_RETURN(const PlannedIndex index, FindIndex(IndexesOf(lock, *field), options.field, options.index));
  COFFER_ASSIGN_OR_RETURN(const auto answer, Ask(*client, index, options));
  COFFER_TRY(PrintAnswer(session, index, answer.answers(0), column));
  return kExitOk;
}

}  // namespace

void AddFieldSearchCommand(CommandTree& tree, CLI::App& group) {
  auto options = std::make_shared<SearchOptions>();
  CLI::App& search =
      tree.AddCommand(group, "search", "Print the SQL condition that finds a value's rows",
                      "  coffer field search --field shop.user.email --index exact --value-file term.txt\n"
                      "  psql -c \"SELECT id, email FROM users WHERE $(coffer field search --field shop.user.email"
                      " --index exact < term.txt)\"",
                      [options](Session& session) { return Search(session, *options); });
  search.add_option("--field", options->field, "The field that is searched")
      ->type_name("SCOPE.TABLE.COLUMN")
      ->required();
  search.add_option("--index", options->index, "Its index")->type_name("NAME")->required();
  search
      .add_option("--value-file", options->term.file,
                  "What to look for; standard input or a prompt unless told. For a range two lines, least and "
                  "greatest; for a compound one line a part")
      ->type_name("FILE");
  search.add_option("--plaintext", options->form, "How that is written: text or base64")
      ->type_name("FORM")
      ->check(OneOf({"text", "base64"}));
  search.add_flag("--at-start", options->term.at_start, "N-gram indexes: it stands at the text's start");
  search.add_flag("--at-end", options->term.at_end, "N-gram indexes: it stands at the text's end");
  search
      .add_option("--column", options->column,
                  "The column of the tokens, also as ALIAS.NAME; COLUMN_INDEX unless told. Beside it is NAME_iv")
      ->type_name("NAME");
  AddTenantOption(search, options->whose);
}

}  // namespace coffer::cli
