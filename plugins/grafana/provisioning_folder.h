// A provisioning folder read, rendered, and laid out again in a private folder.
#pragma once

#include "io/private_dir.h"
#include "plugins/grafana/render.h"

namespace coffer::grafana {

struct RenderedFile {
  std::string name;  // In datasources/.
  SecretBytes text;
};

struct RenderedFolder {
  std::vector<RenderedFile> datasources;
  std::vector<std::string> others;  // Entries beside datasources/, by name.
  std::size_t references = 0;
  std::size_t plaintexts = 0;
};

// Reads `folder`: datasources/*.yaml and *.yml through RenderFile. Names that start with ".." (an orchestrator's own)
// are left out. Bounded in files and bytes; a file that everybody may write is kPermissionDenied. Errors name the file
// and line.
Result<RenderedFolder> RenderFolder(const std::string& folder, const FetchSecret& fetch, const RenderOptions& options);

// Writes it as `target`/provisioning and gives that path: rendered files of mode 0400, links to the other entries of
// `folder`.
Result<std::string> LayOut(const RenderedFolder& rendered, const std::string& folder, PrivateDir& target);

// Puts these datasources in the place of those that LayOut wrote, all in one step, and wipes the old ones; links stay
// as they are. After a failure to write, the old ones are there.
Status ReplaceDatasources(const RenderedFolder& rendered, PrivateDir& target);

}  // namespace coffer::grafana
