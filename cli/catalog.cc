// coffer apply, diff, catalog show: what the fields are.
#include "policy/catalog.h"

#include <array>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/printing.h"
#include "io/directory.h"
#include "io/file.h"
#include "policy/catalog_plan.h"

namespace coffer::cli {
namespace {

struct CatalogOptions {
  std::string file;
  std::string lock;
  bool exit_code = false;
};

constexpr mode_t kLockMode = 0644;

std::string LockPath(const CatalogOptions& options) {
  constexpr std::string_view kEnding = ".toml";
  if (!options.lock.empty()) return options.lock;
  std::string stem = options.file;
  if (stem.ends_with(kEnding)) stem.resize(stem.size() - kEnding.size());
  return stem + ".lock";
}

Outcome<std::string> ReadText(const std::string& path, std::size_t max_bytes) {
  COFFER_ASSIGN_OR_RETURN(const Bytes bytes, ReadFile(path, max_bytes));
  return std::string(AsText(bytes));
}

// A scope's first apply has no lock yet.
Outcome<std::string> ReadLock(const std::string& path) {
  COFFER_ASSIGN_OR_RETURN(const bool there, Exists(path));
  return there ? ReadText(path, policy::kMaxLockBytes) : Outcome<std::string>(std::string());
}

using Changes = google::protobuf::RepeatedPtrField<v1::CatalogChange>;

// What the service calls the lock that it was sent.
constexpr std::array<std::string_view, 3> kLockNames = {"lock.catalog.lock", "catalog.lock", "lock"};

// What is behind the lock's name, where the sentence is about the lock.
std::optional<std::string_view> SaidOfLock(std::string_view sentence) {
  for (const std::string_view name : kLockNames) {
    if (!sentence.starts_with(name)) continue;
    const std::string_view rest = sentence.substr(name.size());
    if (rest.starts_with(':') || rest.starts_with('.')) return rest;
  }
  return std::nullopt;
}

std::string StepForLock(std::string_view said, const std::string& catalog, const std::string& lock_path) {
  if (said.find("is newer than the store") != said.npos) {
    return "do not apply: find out first whether the store is an old copy, and what it lacks";
  }
  if (said.find("is the lock of another scope") != said.npos) return "name the lock of this scope with --lock";
  const auto parsed = policy::ParseCatalog(catalog);
  const std::string file = ShownPath(lock_path) == lock_path ? lock_path : "FILE";
  const std::string get = "`coffer catalog show " + (parsed.ok() ? parsed->scope : "SCOPE") + " > " + file + "`";
  if (said.find("is stale") != said.npos) {
    return "somebody has applied since: take the catalog and its lock from version control, or the lock from the "
           "service with\n" +
           get + ", and see what `coffer diff` says then";
  }
  return "take it from version control as it was, or from the service with\n" + get;
}

// A refusal of apply or diff, with the lock's file in place of the service's name for it.
Failure Refusal(const client::RpcError& error, const std::string& catalog, const std::string& lock_path) {
  const auto said = error.from_service ? SaidOfLock(error.message) : std::nullopt;
  if (!said) return Failure(error);
  return Failure(kExitFailed, ShownPath(lock_path) + std::string(*said), StepForLock(*said, catalog, lock_path));
}

Json ChangesJson(const Changes& changes) {
  Json list = Json::array();
  for (const v1::CatalogChange& change : changes) {
    list.push_back(
        {{"kind", change.kind()}, {"field", change.field()}, {"what", change.what()}, {"weakens", change.weakens()}});
  }
  return list;
}

std::string ChangesText(const Changes& changes, bool colors) {
  if (changes.empty()) return "no changes\n";
  std::string text;
  for (const v1::CatalogChange& change : changes) {
    std::string line = change.kind() + " " + change.field();
    if (!change.what().empty()) line += ": " + change.what();
    if (change.weakens()) line += " (weaker)";
    text += Colored(line, change.weakens() ? Color::kRed : Color::kNone, colors) + "\n";
  }
  return text;
}

// A weakening that nobody has approved: says which changes it is about.
Outcome<int> RefuseUnapproved(client::Client& client, const v1::ApplyCatalogRequest& asked, const std::string& file) {
  constexpr int kMaxShown = 10;
  v1::DiffCatalogRequest request;
  request.set_catalog(asked.catalog());
  request.set_lock(asked.lock());
  COFFER_ASSIGN_OR_RETURN(const auto diff, client.DiffCatalog(request));
  Changes grave;
  for (const v1::CatalogChange& change : diff.changes()) {
    if (change.weakens() || change.kind() == policy::ChangeKindName(policy::ChangeKind::kRetired))
      *grave.Add() = change;
  }
  const int more = grave.size() - kMaxShown;
  if (more > 0) grave.DeleteSubrange(kMaxShown, more);
  std::string step = ChangesText(grave, false);
  if (more > 0) step += "and " + std::to_string(more) + " more\n";
  return Failure(kExitFailed, "others have to approve these changes",
                 step + "see `coffer diff " + ShownPath(file) + "`; ask for approval with --ask REASON");
}

bool NeedsApproval(const client::RpcError& error) {
  return error.from_service && error.code == ErrorCode::kFailedPrecondition &&
         error.message.find("others have to approve this act: ask") != std::string::npos;
}

Outcome<void> KeepLock(const std::string& path, const std::string& before, const std::string& lock) {
  if (lock == before) return {};
  const auto written = WriteFileDurably(path, AsBytes(lock), kLockMode);
  if (written.ok()) return {};
  return Failure(kExitFailed,
                 "the catalog is applied, but its lock could not be written: " + written.error().ToString(),
                 "get it with `coffer catalog show SCOPE` and keep it beside the catalog");
}

Outcome<int> Apply(Session& session, const CatalogOptions& options) {
  const std::string path = LockPath(options);
  v1::ApplyCatalogRequest request;
  COFFER_ASSIGN_OR_RETURN(*request.mutable_catalog(), ReadText(options.file, policy::kMaxCatalogBytes));
  COFFER_ASSIGN_OR_RETURN(*request.mutable_lock(), ReadLock(path));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  const auto answer = client->ApplyCatalog(request);
  if (!answer.ok() && NeedsApproval(answer.error())) return RefuseUnapproved(*client, request, options.file);
  if (!answer.ok()) return Refusal(answer.error(), request.catalog(), path);
  COFFER_TRY(KeepLock(path, request.lock(), answer->lock()));
  if (session.json()) {
    COFFER_TRY(PrintJson({{"changes", ChangesJson(answer->changes())}, {"lock_file", path}}));
  } else {
    COFFER_TRY(Print(ChangesText(answer->changes(), session.Colors(STDOUT_FILENO))));
  }
  return kExitOk;
}

Outcome<int> Diff(Session& session, const CatalogOptions& options) {
  const std::string path = LockPath(options);
  v1::DiffCatalogRequest request;
  COFFER_ASSIGN_OR_RETURN(*request.mutable_catalog(), ReadText(options.file, policy::kMaxCatalogBytes));
  COFFER_ASSIGN_OR_RETURN(*request.mutable_lock(), ReadLock(path));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  const auto answer = client->DiffCatalog(request);
  if (!answer.ok()) return Refusal(answer.error(), request.catalog(), path);
  if (session.json()) {
    COFFER_TRY(PrintJson({{"changes", ChangesJson(answer->changes())}, {"weakens", answer->weakens()}}));
  } else {
    COFFER_TRY(Print(ChangesText(answer->changes(), session.Colors(STDOUT_FILENO))));
  }
  return options.exit_code && !answer->changes().empty() ? kExitFailed : kExitOk;
}

Outcome<int> Show(Session& session, const std::string& scope) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  v1::GetCatalogRequest request;
  request.set_scope(scope);
  COFFER_ASSIGN_OR_RETURN(const auto answer, client->GetCatalog(request));
  Json scopes = Json::array();
  std::string text = answer.lock();
  for (const std::string& name : answer.scopes()) {
    scopes.push_back(name);
    text += name + "\n";
  }
  if (!session.json()) {
    COFFER_TRY(Print(text));
  } else if (scope.empty()) {
    COFFER_TRY(PrintJson({{"scopes", scopes}}));
  } else {
    COFFER_TRY(PrintJson({{"scope", scope}, {"lock", answer.lock()}}));
  }
  return kExitOk;
}

void AddFileOptions(CLI::App& command, CatalogOptions& options) {
  command.add_option("file", options.file, "The catalog")->type_name("FILE")->required();
  command.add_option("--lock", options.lock, "Its lock; by default beside it, NAME.lock for NAME.toml")
      ->type_name("FILE");
}

}  // namespace

void AddCatalogCommands(CommandTree& tree) {
  auto apply_options = std::make_shared<CatalogOptions>();
  CLI::App& apply = tree.AddCommand(tree.root(), "apply", "Make a scope's fields what a catalog file says",
                                    "  coffer apply catalog.toml\n"
                                    "  coffer apply catalog.toml --ask 'the search needs an index'",
                                    [apply_options](Session& session) { return Apply(session, *apply_options); });
  AddFileOptions(apply, *apply_options);
  tree.AddApprovalOptions(apply);

  auto diff_options = std::make_shared<CatalogOptions>();
  CLI::App& diff = tree.AddCommand(tree.root(), "diff", "Show what apply would change",
                                   "  coffer diff catalog.toml\n  coffer diff catalog.toml --exit-code",
                                   [diff_options](Session& session) { return Diff(session, *diff_options); });
  AddFileOptions(diff, *diff_options);
  diff.add_flag("--exit-code", diff_options->exit_code, "Exit 1 when there are changes");

  CLI::App& group = tree.AddGroup("catalog", "What was applied, and what would be");
  auto scope = std::make_shared<std::string>();
  CLI::App& show = tree.AddCommand(group, "show", "The scopes, or one scope's lock",
                                   "  coffer catalog show\n  coffer catalog show shop > catalog.lock",
                                   [scope](Session& session) { return Show(session, *scope); });
  show.add_option("scope", *scope, "Its name")->type_name("SCOPE");
  AddCatalogPlanCommand(tree, group);
}

}  // namespace coffer::cli
