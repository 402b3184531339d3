#include "plugins/grafana/render.h"

#include <algorithm>

#include "plugins/grafana/quote.h"
#include "plugins/grafana/splice.h"

namespace coffer::grafana {
namespace {

struct Slot {
  const SecretEntry* entry;
  ScalarSpan span;
  SecretBytes literal;
};

bool MayUse(const SecretEntry& entry, const RenderOptions& options) {
  const SecretPath& path = entry.reference->path;
  return options.shared.contains(path.text()) ||
         std::find(entry.paths.begin(), entry.paths.end(), path) != entry.paths.end();
}

// Checks that the places can be replaced, with stand-ins, so that no secret passes through the YAML library.
Status VerifySlots(std::string_view text, const YamlTree& tree, const std::vector<Slot>& slots) {
  constexpr std::string_view kStandIn = "coffer-stand-in";
  constexpr std::string_view kQuoted = "\"coffer-stand-in\"";
  std::vector<Edit> edits;
  std::vector<ExpectedValue> expected;
  for (const Slot& slot : slots) {
    edits.push_back({slot.entry->node, slot.span, AsBytes(kQuoted)});
    expected.push_back({slot.entry->node, kStandIn});
  }
  const SecretBytes edited = Splice(text, std::move(edits));
  return VerifyEdited(tree, AsText(edited.Expose(SecretAccess::kFile)), expected);
}

Status FillSlot(Slot& slot, const FetchSecret& fetch) {
  const SecretPath& path = slot.entry->reference->path;
  auto value = fetch(*slot.entry->reference);
  if (!value.ok()) return Error(std::move(value).error()).At(path.text()).AtLine(slot.entry->line);
  auto literal = QuoteForGrafana(*value);
  if (!literal.ok()) return Error(std::move(literal).error()).At(path.text()).AtLine(slot.entry->line);
  slot.literal = std::move(literal).value();
  return {};
}

}  // namespace

Result<Rendered> RenderFile(std::string_view text, const FetchSecret& fetch, const RenderOptions& options) {
  COFFER_ASSIGN_OR_RETURN(const YamlTree tree, YamlTree::Parse(text));
  COFFER_ASSIGN_OR_RETURN(const Provisioning found, FindSecrets(tree));
  Rendered rendered;
  std::vector<Slot> slots;
  for (const SecretEntry& entry : found.entries) {
    if (!entry.reference) {
      ++rendered.plaintexts;
      continue;
    }
    if (!MayUse(entry, options)) {
      return Error(ErrorCode::kPermissionDenied,
                   "the reference belongs to another datasource; allow it by --shared if that is meant")
          .At(entry.reference->path.text())
          .AtLine(entry.line);
    }
    COFFER_ASSIGN_OR_RETURN(const ScalarSpan span, FindScalar(text, tree, entry.node));
    slots.push_back({&entry, span, {}});
  }
  COFFER_TRY(VerifySlots(text, tree, slots));
  std::vector<Edit> edits;
  for (Slot& slot : slots) COFFER_TRY(FillSlot(slot, fetch));
  for (const Slot& slot : slots)
    edits.push_back({slot.entry->node, slot.span, slot.literal.Expose(SecretAccess::kFile)});
  rendered.references = slots.size();
  rendered.text = Splice(text, std::move(edits));
  return rendered;
}

Result<SecretBytes> QuoteForGrafana(const SecretBytes& value) {
  const std::string_view text = AsText(value.Expose(SecretAccess::kFile));
  if (!IsUtf8(text)) return Error(ErrorCode::kInvalidArgument, "the value is not UTF-8, which a YAML file cannot hold");
  if (text.find('\0') != std::string_view::npos) {
    return Error(ErrorCode::kInvalidArgument, "the value holds a NUL, which Grafana cannot take");
  }
  SecretBytes out(QuotedSize(text));
  QuoteInto(text, out.ExposeMutable(SecretAccess::kFile));
  return out;
}

}  // namespace coffer::grafana
