#include "tests/plugins/grafana/grafana_model.h"

#include <vector>

#include <yaml-cpp/yaml.h>

namespace coffer::grafana {
namespace {

std::vector<YAML::Node> Sources(const YAML::Node& merge) {
  std::vector<YAML::Node> sources;
  if (!merge.IsSequence()) return {merge};
  for (const auto& item : merge) sources.push_back(item);
  return sources;
}

std::map<std::string, YAML::Node> Merged(const YAML::Node& map) {
  std::map<std::string, YAML::Node> out;
  for (const auto& pair : map) {
    if (pair.first.Scalar() != "<<") out.emplace(pair.first.Scalar(), pair.second);
  }
  for (const auto& pair : map) {
    if (pair.first.Scalar() != "<<") continue;
    for (const YAML::Node& source : Sources(pair.second)) {
      for (const auto& [key, value] : Merged(source)) out.emplace(key, value);
    }
  }
  return out;
}

std::string TextOf(const std::map<std::string, YAML::Node>& map, const std::string& key) {
  const auto found = map.find(key);
  return found == map.end() || found->second.IsNull() ? "" : found->second.Scalar();
}

}  // namespace

SecureValues ReadSecure(const std::string& yaml) {
  SecureValues values;
  const YAML::Node root = YAML::Load(yaml);
  for (const auto& item : root["datasources"]) {
    const auto datasource = Merged(item);
    const auto secure = datasource.find("secureJsonData");
    if (secure == datasource.end() || secure->second.IsNull()) continue;
    const std::string org = TextOf(datasource, "orgId").empty() ? "1" : TextOf(datasource, "orgId");
    const std::string uid = TextOf(datasource, "uid");
    const std::string owner = org + "/" + (uid.empty() ? TextOf(datasource, "name") : uid) + "/";
    for (const auto& [key, value] : Merged(secure->second)) {
      if (!value.IsNull()) values[owner + key] = value.Scalar();
    }
  }
  return values;
}

std::string Interpolate(const std::string& value) {
  std::string out;
  std::string part;
  const auto flush = [&] {
    out += part.find('$') == std::string::npos ? part : "<expanded>";
    part.clear();
  };
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value.compare(i, 2, "$$") == 0) {
      flush();
      out += '$';
      ++i;
    } else {
      part += value[i];
    }
  }
  flush();
  return out;
}

SecureValues ReadAsGrafana(const std::string& yaml) {
  SecureValues values = ReadSecure(yaml);
  for (auto& [key, value] : values) value = Interpolate(value);
  return values;
}

}  // namespace coffer::grafana
