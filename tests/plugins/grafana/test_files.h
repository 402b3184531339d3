// Files that the tests read, and the way through import and render.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "plugins/grafana/import.h"
#include "plugins/grafana/render.h"
#include "tests/plugins/grafana/memory_vault.h"

namespace coffer::grafana {

inline constexpr const char* kHardFile = "tests/plugins/grafana/hard.yaml";
inline constexpr const char* kHardValues = "tests/plugins/grafana/hard.json";
inline constexpr const char* kDevenvFile = "../shared/data/grafana-devenv-datasources.yaml";

// Relative to the repository's root, where tests run.
inline std::optional<std::string> ReadText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

inline Result<ImportResult> Import(const std::string& text, MemoryVault& vault) { return ImportFile(text, vault, {}); }

inline Result<std::string> Render(const std::string& text, MemoryVault& vault, const RenderOptions& options = {}) {
  const FetchSecret fetch = [&vault](const SecretReference& reference) -> Result<SecretBytes> {
    COFFER_ASSIGN_OR_RETURN(StoredSecret stored, vault.Get(reference));
    return std::move(stored.value);
  };
  COFFER_ASSIGN_OR_RETURN(const Rendered rendered, RenderFile(text, fetch, options));
  return std::string(AsText(rendered.text.Expose(SecretAccess::kTest)));
}

}  // namespace coffer::grafana
