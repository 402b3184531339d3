// The secrets of a Grafana datasource provisioning file: every value of a `secureJsonData` map that Grafana would read,
// through anchors, aliases and merge keys, with its path in the vault (docs/FORMAT.md section 6):
// grafana/<orgId>/<uid, or name without one>/<key>.
//
// One scalar of the text is one secret, however many datasources use it through aliases: it is stored under the path of
// its first use. A secret that would also reach any other field (an alias in `url` or `jsonData`) is refused, because
// Grafana shows or sends those.
#pragma once

#include <optional>

#include "crypto/names.h"
#include "plugins/grafana/yaml_tree.h"

namespace coffer::grafana {

inline constexpr std::size_t kMaxSecrets = 10'000;
inline constexpr std::size_t kMaxSecretBytes = 1024 * 1024;

// A remark for the person at the keyboard. The text is a literal, so it holds no value.
struct Note {
  std::uint64_t line = 0;
  std::string_view text;
};

// One scalar that holds a secret or a reference to one.
struct SecretEntry {
  NodeId node{};
  std::uint64_t line = 0;
  std::vector<SecretPath> paths;             // Of each use, in the order of the datasources; at least one.
  std::optional<SecretReference> reference;  // When the scalar is coffer://... already.
};

struct Provisioning {
  std::vector<SecretEntry> entries;  // In the order of first use.
  std::vector<Note> notes;           // Values left out (null), passwords in other fields.
};

// Fails with kInvalidArgument and the line: datasources is no list of maps; a datasource has secrets but neither uid
// nor name, or an orgId that is no decimal number; two secrets have one path; a value is no scalar, too long, holds NUL
// or has a tag other than !!str; a reference is malformed, or stands elsewhere; a secret reaches another field; a
// secureJsonData that no datasource uses, or a merged value that is overridden; the old format (secure_json_data).
Result<Provisioning> FindSecrets(const YamlTree& tree);

}  // namespace coffer::grafana
