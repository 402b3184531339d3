#include "plugins/grafana/import.h"

#include <algorithm>

#include "plugins/grafana/splice.h"

namespace coffer::grafana {
namespace {

// A value to be stored. The value stays in the tree, which is wiped.
struct Planned {
  const SecretEntry* entry;
  std::string reference;  // coffer://<path>
  std::string scalar;     // The same as YAML.
  std::uint64_t version = 0;
  ImportOutcome outcome = ImportOutcome::kCreated;
};

const SecretPath& PathOf(const Planned& planned) { return planned.entry->paths.front(); }

// In the quotes that the value had; a path has no character that needs escaping in any style.
std::string AsScalar(const std::string& reference, char quote, bool flow) {
  if (quote == 0 && flow) quote = '"';
  if (quote == 0) return reference;
  return quote + reference + quote;
}

Result<std::string> Rewrite(std::string_view text, const YamlTree& tree, std::vector<Planned>& plan) {
  std::vector<Edit> edits;
  std::vector<ExpectedValue> expected;
  for (Planned& planned : plan) {
    const NodeId node = planned.entry->node;
    COFFER_ASSIGN_OR_RETURN(const ScalarSpan span, FindScalar(text, tree, node));
    planned.scalar = AsScalar(planned.reference, span.quote, tree.node(node).flow);
    edits.push_back({node, span, AsBytes(planned.scalar)});
    expected.push_back({node, planned.reference});
  }
  // What is left holds no secret of ours any more.
  const SecretBytes spliced = Splice(text, std::move(edits));
  std::string rewritten(AsText(spliced.Expose(SecretAccess::kFile)));
  COFFER_TRY(VerifyEdited(tree, rewritten, expected));
  return rewritten;
}

// Asks the vault what each path holds and decides; changes nothing.
Status Decide(const YamlTree& tree, VaultPort& vault, bool overwrite, std::vector<Planned>& plan) {
  for (Planned& planned : plan) {
    auto stored = vault.Get(SecretReference{PathOf(planned), std::nullopt});
    if (!stored.ok()) {
      if (stored.error().code() == ErrorCode::kNotFound) continue;
      return std::move(stored).error();
    }
    planned.version = stored->version;
    const ByteView value = AsBytes(tree.node(planned.entry->node).value);
    const bool same = EqualConstantTime(stored->value.Expose(SecretAccess::kCipher), value);
    planned.outcome = same ? ImportOutcome::kUnchanged : ImportOutcome::kUpdated;
    if (same || overwrite) continue;
    return Error(ErrorCode::kAlreadyExists, "the vault holds another value under this path; import with --overwrite")
        .At(PathOf(planned).text())
        .AtLine(planned.entry->line);
  }
  return {};
}

Status Store(const YamlTree& tree, VaultPort& vault, const std::vector<Planned>& plan) {
  for (const Planned& planned : plan) {
    if (planned.outcome == ImportOutcome::kUnchanged) continue;
    const SecretBytes value = SecretBytes::CopyOf(AsBytes(tree.node(planned.entry->node).value));
    auto version = vault.Put(PathOf(planned), value, planned.version);
    if (!version.ok()) return Error(std::move(version).error()).At(PathOf(planned).text()).AtLine(planned.entry->line);
  }
  return {};
}

void AddNotes(const YamlTree& tree, ImportResult& result, const std::vector<Planned>& plan) {
  for (const Planned& planned : plan) {
    result.secrets.push_back({PathOf(planned), planned.entry->line, planned.outcome});
    if (tree.node(planned.entry->node).value.find('$') == std::string::npos) continue;
    result.notes.push_back(
        {planned.entry->line,
         "the value holds '$', which Grafana expanded until now; it is stored as the characters it is"});
  }
  std::stable_sort(result.notes.begin(), result.notes.end(),
                   [](const Note& a, const Note& b) { return a.line < b.line; });
}

}  // namespace

std::size_t ImportResult::Count(ImportOutcome outcome) const {
  return static_cast<std::size_t>(
      std::count_if(secrets.begin(), secrets.end(), [&](const ImportedSecret& one) { return one.outcome == outcome; }));
}

Result<ImportResult> ImportFile(std::string_view text, VaultPort& vault, const ImportOptions& options) {
  COFFER_ASSIGN_OR_RETURN(const YamlTree tree, YamlTree::Parse(text));
  COFFER_ASSIGN_OR_RETURN(Provisioning found, FindSecrets(tree));
  ImportResult result;
  result.notes = std::move(found.notes);
  std::vector<Planned> plan;
  for (const SecretEntry& entry : found.entries) {
    if (entry.reference) {
      ++result.references;
      continue;
    }
    plan.push_back({&entry, SecretReference{entry.paths.front(), std::nullopt}.ToText(), {}});
  }
  COFFER_ASSIGN_OR_RETURN(result.rewritten, Rewrite(text, tree, plan));
  COFFER_TRY(Decide(tree, vault, options.overwrite, plan));
  if (!options.dry_run) COFFER_TRY(Store(tree, vault, plan));
  AddNotes(tree, result, plan);
  return result;
}

}  // namespace coffer::grafana
