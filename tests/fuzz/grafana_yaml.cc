// Provisioning files from bytes: import never crashes, and what it accepts is stable and comes back identical.
#include <map>
#include <string>

#include "plugins/grafana/import.h"
#include "plugins/grafana/render.h"

namespace coffer::grafana {
namespace {

class FuzzVault : public VaultPort {
 public:
  Result<StoredSecret> Get(const SecretReference& reference) override {
    const auto found = values.find(reference.path.text());
    if (found == values.end()) return Error(ErrorCode::kNotFound, "no such secret");
    return StoredSecret{SecretBytes::CopyOf(AsBytes(found->second)), 1};
  }
  Result<std::uint64_t> Put(const SecretPath& path, const SecretBytes& value, std::uint64_t) override {
    values[path.text()] = AsText(value.Expose(SecretAccess::kTest));
    return std::uint64_t{1};
  }
  std::map<std::string, std::string> values;
};

std::string WithDoubledDollars(const std::string& value) {
  std::string out;
  for (const char c : value) out += c == '$' ? "$$" : std::string(1, c);
  return out;
}

// Each scalar of the rendered file is the stored value of its reference.
void CheckRendered(const std::string& references, const std::string& rendered, const FuzzVault& vault) {
  const auto before = YamlTree::Parse(references);
  const auto after = YamlTree::Parse(rendered);
  COFFER_CHECK(before.ok() && after.ok() && before->nodes().size() == after->nodes().size());
  const auto found = FindSecrets(*before);
  COFFER_CHECK(found.ok());
  for (const SecretEntry& entry : found->entries) {
    const auto stored = vault.values.find(entry.reference->path.text());
    const std::string value = stored == vault.values.end() ? "" : stored->second;
    COFFER_CHECK(after->node(entry.node).value == WithDoubledDollars(value));
  }
}

void Check(const std::string& text) {
  FuzzVault vault;
  const auto imported = ImportFile(text, vault, {.dry_run = false, .overwrite = true});
  if (!imported.ok()) return;
  const auto again = ImportFile(imported->rewritten, vault, {});
  COFFER_CHECK(again.ok() && again->rewritten == imported->rewritten && again->secrets.empty());

  const FetchSecret fetch = [&vault](const SecretReference& reference) -> Result<SecretBytes> {
    auto stored = vault.Get(reference);
    if (!stored.ok()) return SecretBytes();  // A reference that the input brought along.
    return std::move(stored->value);
  };
  const auto rendered = RenderFile(imported->rewritten, fetch, {});
  if (!rendered.ok()) {
    COFFER_CHECK(rendered.error().code() == ErrorCode::kPermissionDenied);
    return;
  }
  CheckRendered(imported->rewritten, std::string(AsText(rendered->text.Expose(SecretAccess::kTest))), vault);
}

}  // namespace
}  // namespace coffer::grafana

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) text += static_cast<char>(data[i]);
  coffer::grafana::Check(text);
  return 0;
}
