/** The classes and permissions that the kernel asks about, which need not be those of a policy. Linux 6.1, security/selinux/include/classmap.h. */

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

const FILE_AND_SOCKET = [
  "ioctl",
  "read",
  "write",
  "create",
  "getattr",
  "setattr",
  "lock",
  "relabelfrom",
  "relabelto",
  "append",
  "map",
];
const FILE = [
  ...FILE_AND_SOCKET,
  ...words(`
  unlink link rename execute quotaon mounton audit_access open execmod watch watch_mount
  watch_sb watch_with_perm watch_reads
`),
];
const SOCKET = [
  ...FILE_AND_SOCKET,
  ...words("bind connect listen accept getopt setopt shutdown recvfrom sendto name_bind"),
];
const IPC = words("create destroy getattr setattr read write associate unix_read unix_write");
const CAPABILITY = words(`
  chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable
  net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio
  sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time
  sys_tty_config mknod lease audit_write audit_control setfcap
`);
const CAPABILITY2 = words(`
  mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf
  checkpoint_restore
`);
const NETLINK = [...SOCKET, "nlmsg_read", "nlmsg_write"];
const PORT = [...SOCKET, "node_bind", "name_connect"];

/** Sockets that have what every socket has. */
const PLAIN_SOCKETS = words(`
  socket netlink_socket packet_socket key_socket unix_dgram_socket netlink_nflog_socket
  netlink_selinux_socket netlink_iscsi_socket netlink_fib_lookup_socket
  netlink_connector_socket netlink_netfilter_socket netlink_dnrt_socket
  netlink_kobject_uevent_socket netlink_generic_socket netlink_scsitransport_socket
  netlink_rdma_socket netlink_crypto_socket appletalk_socket ax25_socket ipx_socket
  netrom_socket atmpvc_socket x25_socket rose_socket decnet_socket atmsvc_socket rds_socket
  irda_socket pppox_socket llc_socket can_socket tipc_socket bluetooth_socket iucv_socket
  rxrpc_socket isdn_socket phonet_socket ieee802154_socket caif_socket alg_socket nfc_socket
  vsock_socket kcm_socket qipcrtr_socket smc_socket xdp_socket mctp_socket
`);

/** By class: its permissions, by bit. */
export const CLASS_MAP: ReadonlyMap<string, readonly string[]> = new Map([
  [
    "security",
    words(`
  compute_av compute_create compute_member check_context load_policy compute_relabel
  compute_user setenforce setbool setsecparam setcheckreqprot read_policy validate_trans
`),
  ],
  [
    "process",
    words(`
  fork transition sigchld sigkill sigstop signull signal ptrace getsched setsched getsession
  getpgid setpgid getcap setcap share getattr setexec setfscreate noatsecure siginh setrlimit
  rlimitinh dyntransition setcurrent execmem execstack execheap setkeycreate setsockcreate
  getrlimit
`),
  ],
  ["process2", ["nnp_transition", "nosuid_transition"]],
  ["system", words("ipc_info syslog_read syslog_mod syslog_console module_request module_load")],
  ["capability", CAPABILITY],
  [
    "filesystem",
    words(`
  mount remount unmount getattr relabelfrom relabelto associate quotamod quotaget watch
`),
  ],
  ["file", [...FILE, "execute_no_trans", "entrypoint"]],
  ["dir", [...FILE, "add_name", "remove_name", "reparent", "search", "rmdir"]],
  ["fd", ["use"]],
  ["lnk_file", FILE],
  ["chr_file", FILE],
  ["blk_file", FILE],
  ["sock_file", FILE],
  ["fifo_file", FILE],
  ["anon_inode", FILE],
  ...PLAIN_SOCKETS.map((name) => [name, SOCKET] as const),
  ["tcp_socket", PORT],
  ["dccp_socket", PORT],
  ["sctp_socket", [...PORT, "association"]],
  ["udp_socket", [...SOCKET, "node_bind"]],
  ["rawip_socket", [...SOCKET, "node_bind"]],
  ["icmp_socket", [...SOCKET, "node_bind"]],
  ["unix_stream_socket", [...SOCKET, "connectto"]],
  ["tun_socket", [...SOCKET, "attach_queue"]],
  ["netlink_route_socket", NETLINK],
  ["netlink_tcpdiag_socket", NETLINK],
  ["netlink_xfrm_socket", NETLINK],
  ["netlink_audit_socket", [...NETLINK, "nlmsg_relay", "nlmsg_readpriv", "nlmsg_tty_audit"]],
  ["node", ["recvfrom", "sendto"]],
  ["netif", ["ingress", "egress"]],
  ["association", ["sendto", "recvfrom", "setcontext", "polmatch"]],
  ["packet", ["send", "recv", "relabelto", "forward_in", "forward_out"]],
  ["peer", ["recv"]],
  ["sem", IPC],
  ["msgq", [...IPC, "enqueue"]],
  ["shm", [...IPC, "lock"]],
  ["ipc", IPC],
  ["msg", ["send", "receive"]],
  ["key", ["view", "read", "write", "search", "link", "setattr", "create"]],
  ["memprotect", ["mmap_zero"]],
  ["capability2", CAPABILITY2],
  ["kernel_service", ["use_as_override", "create_files_as"]],
  ["binder", ["impersonate", "call", "set_context_mgr", "transfer"]],
  ["cap_userns", CAPABILITY],
  ["cap2_userns", CAPABILITY2],
  ["infiniband_pkey", ["access"]],
  ["infiniband_endport", ["manage_subnet"]],
  ["bpf", ["map_create", "map_read", "map_write", "prog_load", "prog_run"]],
  ["perf_event", ["open", "cpu", "kernel", "tracepoint", "read", "write"]],
  ["io_uring", ["override_creds", "sqpoll", "cmd"]],
  ["user_namespace", ["create"]],
]);
