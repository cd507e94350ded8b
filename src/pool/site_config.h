// What only this machine knows about this member's sites (docs/formats/sites.md): which adapter runs jobs there, as
// which local account, with which token. It stands in a file of the member, never in a statement.
#pragma once
#include "base/fs.h"
#include "pool/job.h"

namespace hz::pool {

// The local account that another member's jobs run as.
struct LentUser {
  std::string member, user;
  static constexpr auto fields() {
    return rows(row("member", &LentUser::member, "member whose jobs"), row("user", &LentUser::user, "local account"));
  }
};

struct SiteConfig {
  std::string site;     // "site:hall-a"
  std::string adapter;  // local or slurm
  std::int64_t slots = 4;
  std::string device = "cpu";
  std::string user;
  std::string listen = "127.0.0.1";
  sandbox::Isolation isolation_least = sandbox::Isolation::s0;
  std::string cgroup_parent;
  std::vector<std::string> read_paths, command;
  std::int64_t hang_ms_max = 10'000;
  // Other members' jobs: the account for each, else for all. Without one the site lends nothing.
  std::string lend_user;
  std::vector<LentUser> lend_users;
  // slurm
  std::string address = "127.0.0.1";
  std::int64_t port = 0;
  std::string token_file, jwt_key_file, shared, partition, gres;
  static constexpr auto fields() {
    return rows(
        row("site", &SiteConfig::site, "site:<id>, as declared by `hezong pool site add`"),
        row("adapter", &SiteConfig::adapter, "local or slurm"),
        row("slots", &SiteConfig::slots, "local: how many devices, one for a job that names no number (4)", or_default),
        row("device", &SiteConfig::device, "class of its devices (cpu)", or_default),
        row("user", &SiteConfig::user, "account that jobs run as; local: only root may name another", or_default),
        row("listen", &SiteConfig::listen, "IPv4 address where servers are reached (127.0.0.1)", or_default),
        row("isolation_least", &SiteConfig::isolation_least, "less than that is refused (S0)", or_default),
        row("cgroup_parent", &SiteConfig::cgroup_parent, "where control groups of jobs stand", or_default),
        row("read_paths", &SiteConfig::read_paths, "what jobs may read beside the system's libraries"),
        row("command", &SiteConfig::command, "another model server than oip-host: program and arguments"),
        row("hang_ms_max", &SiteConfig::hang_ms_max, "a server silent for so long is failed (10000)", or_default),
        row("lend_user", &SiteConfig::lend_user, "account of other members' jobs; none: nothing is lent", or_default),
        row("lend_users", &SiteConfig::lend_users, "accounts of single members' jobs; an empty one: nothing for it"),
        row("address", &SiteConfig::address, "slurm: IPv4 address of slurmrestd (127.0.0.1)", or_default),
        row("port", &SiteConfig::port, "slurm: its port", or_default),
        row("token_file", &SiteConfig::token_file, "slurm: file with a JWT, read anew when it is refused", or_default),
        row("jwt_key_file", &SiteConfig::jwt_key_file, "slurm: the cluster's key; tokens are made here", or_default),
        row("shared", &SiteConfig::shared, "slurm: folder that the compute nodes see too", or_default),
        row("partition", &SiteConfig::partition, "slurm: partition; empty: its default", or_default),
        row("gres", &SiteConfig::gres, "slurm: devices of a job that names no number, as `dcu:1`", or_default));
  }
};

// How many devices a job holds there that names no number; the devices' name with their type, without a number.
std::int64_t devices_of_job(const SiteConfig& config);
std::string_view gres_name(std::string_view gres);

// Of one site. Errors: pool.site_config (no file, no such site, which field), base.json_*.
Result<SiteConfig> site_config(const fs::path& home, std::string_view site);
// The pure part. Safe on any bytes. Errors: pool.site_config, base.json_*.
Result<std::vector<SiteConfig>> read_site_configs(std::string_view text);
// Of every site; none when there is no file.
Result<std::vector<SiteConfig>> site_configs(const fs::path& home);

}  // namespace hz::pool
