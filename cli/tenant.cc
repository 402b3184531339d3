// coffer tenant: whose values they are.
#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/pages.h"
#include "cli/printing.h"
#include "cli/times.h"
#include "crypto/names.h"

namespace coffer::cli {
namespace {

Json TenantJson(const v1::Tenant& tenant) {
  return {{"name", tenant.name()}, {"uuid", tenant.uuid()}, {"created_at", FormatTime(tenant.created_us(), true)}};
}

Outcome<int> Add(Session& session, const std::string& name) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::CreateTenantRequest request;
  request.set_name(name);
  COFFER_ASSIGN_OR_RETURN(const auto tenant, client->CreateTenant(request));
  COFFER_TRY(session.json() ? PrintJson(TenantJson(tenant))
                            : Print("tenant " + tenant.name() + " " + tenant.uuid() + "\n"));
  return kExitOk;
}

Outcome<int> List(Session& session) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  Json list = Json::array();
  Table table({"TENANT", "UUID", "CREATED"});
  const auto take = [&list, &table](const v1::ListTenantsResponse& page) {
    for (const v1::Tenant& tenant : page.tenants()) {
      list.push_back(TenantJson(tenant));
      table.Add({tenant.name(), tenant.uuid(), FormatTime(tenant.created_us())});
    }
  };
  COFFER_TRY(ForEachPage(*client, &client::Client::ListTenants, v1::ListTenantsRequest(), take));
  COFFER_TRY(session.json() ? PrintJson({{"tenants", list}}) : Print(table.ToText()));
  return kExitOk;
}

}  // namespace

void AddTenantCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("tenant", "Tenants: whose values they are");
  auto name = std::make_shared<std::string>();
  CLI::App& add = tree.AddCommand(group, "add", "Register a tenant; its name is never used again",
                                  "  coffer tenant add acme", [name](Session& session) { return Add(session, *name); });
  add.add_option("name", *name, "Its name")->type_name("NAME")->required()->check(Checked([](const std::string& text) {
    return IsSlug(text) ? "" : "must be a name of a-z, 0-9 and -, up to 63 characters";
  }));
  tree.AddCommand(group, "list", "All tenants", "  coffer tenant list --output json", List);
}

}  // namespace coffer::cli
