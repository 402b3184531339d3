#include "plugins/grafana/provisioning_folder.h"

#include <filesystem>
#include <system_error>

#include "io/directory.h"
#include "io/file.h"

namespace coffer::grafana {
namespace {

constexpr std::size_t kMaxEntries = 1'000;
constexpr std::string_view kDatasources = "datasources";
constexpr std::string_view kLaidOut = "provisioning/datasources";
constexpr std::string_view kNext = "next";  // where a replacement is written, before it takes its place

bool IsYamlName(std::string_view name) { return name.ends_with(".yaml") || name.ends_with(".yml"); }

// Grafana sorts by name, and so do we; the name itself is only for its log.
std::string TargetName(std::string_view name) {
  std::string target;
  for (const char c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    target += plain ? c : '_';
  }
  return target;
}

Status CheckWriters(const std::string& path, const std::string& name) {
  COFFER_ASSIGN_OR_RETURN(const FileFacts facts, FactsOf(path));
  if (facts.kind != FileKind::kRegular || (facts.permissions & 0002) == 0) return {};
  return Error(ErrorCode::kPermissionDenied,
               "everybody may write this file, and so direct its secrets elsewhere; chmod o-w")
      .At(name);
}

Status AddFile(const std::string& folder, const std::string& name, const FetchSecret& fetch,
               const RenderOptions& options, RenderedFolder& out) {
  const std::string path = folder + "/" + name;
  COFFER_TRY(CheckWriters(path, name));
  // A file can still hold plain text that was not imported.
  auto bytes = ReadFile(path, kMaxYamlBytes);
  if (!bytes.ok()) return std::move(bytes).error();
  auto rendered = RenderFile(AsText(*bytes), fetch, options);
  Wipe(*bytes);
  if (!rendered.ok()) return Error(std::move(rendered).error()).At(name);
  out.references += rendered->references;
  out.plaintexts += rendered->plaintexts;
  out.datasources.push_back({TargetName(name), std::move(rendered->text)});
  return {};
}

Status WriteDatasources(const RenderedFolder& rendered, std::string_view subfolder, PrivateDir& target) {
  COFFER_TRY(target.MakeSubfolder(subfolder));
  for (const RenderedFile& file : rendered.datasources) {
    COFFER_TRY(target.WriteSecret(std::string(subfolder) + "/" + file.name, file.text, 0400));
  }
  return {};
}

Status Link(const std::string& from, const std::string& to, const std::string& name) {
  std::error_code failure;
  const auto target = std::filesystem::absolute(from, failure);
  if (!failure) std::filesystem::create_symlink(target, to, failure);
  if (failure) return Error(ErrorCode::kUnavailable, "cannot be linked into the private folder").At(name);
  return {};
}

}  // namespace

Result<RenderedFolder> RenderFolder(const std::string& folder, const FetchSecret& fetch, const RenderOptions& options) {
  RenderedFolder out;
  bool has_datasources = false;
  COFFER_ASSIGN_OR_RETURN(const std::vector<std::string> entries, ListDirectory(folder, kMaxEntries));
  for (const std::string& name : entries) {
    if (name == kDatasources) {
      has_datasources = true;
    } else if (!name.starts_with("..")) {
      out.others.push_back(name);
    }
  }
  if (!has_datasources) return out;
  const std::string datasources = folder + "/" + std::string(kDatasources);
  COFFER_ASSIGN_OR_RETURN(const std::vector<std::string> files, ListDirectory(datasources, kMaxEntries));
  for (const std::string& name : files) {
    if (IsYamlName(name) && !name.starts_with("..")) COFFER_TRY(AddFile(datasources, name, fetch, options, out));
  }
  return out;
}

Result<std::string> LayOut(const RenderedFolder& rendered, const std::string& folder, PrivateDir& target) {
  COFFER_ASSIGN_OR_RETURN(const std::string provisioning, target.MakeSubfolder("provisioning"));
  COFFER_TRY(WriteDatasources(rendered, kLaidOut, target));
  for (const std::string& name : rendered.others)
    COFFER_TRY(Link(folder + "/" + name, provisioning + "/" + name, name));
  return provisioning;
}

Status ReplaceDatasources(const RenderedFolder& rendered, PrivateDir& target) {
  COFFER_TRY(target.WipeSubfolder(kNext));
  Status written = WriteDatasources(rendered, kNext, target);
  if (written.ok()) return target.ReplaceSubfolder(kLaidOut, kNext);
  // The first failure is the one to tell; what was written goes with the whole folder at the latest.
  static_cast<void>(target.WipeSubfolder(kNext));
  return written;
}

}  // namespace coffer::grafana
